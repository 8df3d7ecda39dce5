// Looking again whenever something came, without two looks at once.

// Return a function that does the work, once more if it's called meanwhile; what it returns ends with the last look.
export function oneAtATime(work) {
  let looking = null;
  let more = false;
  return () => {
    if (looking) {
      more = true;
      return looking;
    }
    looking = (async () => {
      do {
        more = false;
        await work();
      } while (more);
    })().finally(() => { looking = null; });
    return looking;
  };
}
