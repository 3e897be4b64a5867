/** One harmless choice of this browser. Never a secret; where storage is closed, the choice lasts as long as the page. */
export function preference<T extends string>(name: string, choices: readonly T[]) {
  let held: string | undefined;
  return {
    read(): T | undefined {
      const word = stored(name) ?? held;
      return choices.find((choice) => choice === word);
    },
    write(choice: T): void {
      held = choice;
      try {
        localStorage.setItem(name, choice);
      } catch (fault) {
        if (!(fault instanceof DOMException)) throw fault;
      }
    },
  };
}

/** Browsers that forbid storage throw a DOMException at its mere mention. */
function stored(name: string): string | undefined {
  try {
    return localStorage.getItem(name) ?? undefined;
  } catch (fault) {
    if (fault instanceof DOMException) return undefined;
    throw fault;
  }
}
