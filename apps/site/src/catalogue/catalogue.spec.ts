import { describe, expect, it } from '@jest/globals';
import { iconOf, memoryOf, offersLogin, titleOf } from './labels.js';
import { suggestName } from './names.js';

const labelled = (labels: Record<string, string>) => ({ name: 'django', version: '4.2', labels });

describe('The labels of a template', () => {
  it('give a title that all versions share', () => {
    expect(titleOf(labelled({ 'berth.title': 'Django 4.2' }))).toBe('Django');
    expect(titleOf(labelled({ 'berth.title': 'Django' }))).toBe('Django');
    expect(titleOf(labelled({}))).toBe('django');
  });

  it.each([
    ['128MiB', 134_217_728n],
    ['1GiB', 1_073_741_824n],
    ['4096', 4_096n],
    ['lots', 0n],
    ['-1MiB', 0n],
  ])('give %s of memory as bytes', (text, bytes) => {
    expect(memoryOf(labelled({ 'berth.memory': text }))).toBe(bytes);
  });

  it('give an icon only where nothing would be fetched for it', () => {
    expect(iconOf(labelled({ 'berth.icon': 'data:image/svg+xml,<svg/>' }))).toBe('data:image/svg+xml,<svg/>');
    expect(iconOf(labelled({ 'berth.icon': 'https://elsewhere.example/x.svg' }))).toBeUndefined();
    expect(iconOf(labelled({ 'berth.icon': 'data:text/html,<script>' }))).toBeUndefined();
  });

  it('say whether there is a login to show', () => {
    expect([offersLogin(labelled({ 'berth.login': '1' })), offersLogin(labelled({}))]).toEqual([true, false]);
  });
});

describe('A suggested name', () => {
  it('is never one that is taken, however many are', () => {
    const taken = new Set<string>();
    for (let round = 0; round < 200; round++) taken.add(suggestName('django', taken, 17));
    expect(taken.size).toBe(200);
    for (const name of taken) expect(name).toMatch(/^[a-z]+-django(-\d)?$/);
  });
});
