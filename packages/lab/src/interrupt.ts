/** A wish to stop, and the end of listening for it. */
export interface Interrupt {
  readonly signal: AbortSignal;
  release(): void;
}

const EXIT_INTERRUPTED = 130;

/**
 * Listens for Ctrl-C (and for SIGTERM, which job schedulers send). The first aborts the signal, so that work can end in good
 * order; the second ends the process at once.
 *
 * @param onFirst called once, to tell the user.
 */
export function listenForInterrupt(onFirst: () => void): Interrupt {
  const controller = new AbortController();
  const listener = (): void => {
    if (controller.signal.aborted) process.exit(EXIT_INTERRUPTED);
    controller.abort();
    onFirst();
  };
  process.on('SIGINT', listener);
  process.on('SIGTERM', listener);
  return {
    signal: controller.signal,
    release() {
      process.off('SIGINT', listener);
      process.off('SIGTERM', listener);
    },
  };
}
