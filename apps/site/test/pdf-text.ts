import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

/** What a reader of the PDF can copy out of it, line by line (poppler's `pdftotext -layout`). */
export async function textOf(pdf: Buffer): Promise<string> {
  const reader = spawn('pdftotext', ['-layout', '-', '-'], { stdio: ['pipe', 'pipe', 'inherit'] });
  reader.stdin.end(pdf);
  return (await text(reader.stdout)).replaceAll('\u00a0', ' ');
}
