/** Asks again and again while an element is seen: not in a hidden page, a closed sidebar, or an output that was scrolled away. */

export interface Poll {
  /** Asks at once, if the element is seen. */
  now(): void;
  stop(): void;
}

/** One question at a time, the next one `pace` ms after the answer. */
export function poll(element: Element, pace: number, ask: () => Promise<void>): Poll {
  let isSeen = false;
  let timer: ReturnType<typeof setTimeout> | null = null;
  let isAsking = false;
  let isStopped = false;

  const wants = (): boolean => isSeen && !isStopped && document.visibilityState === "visible";
  const schedule = (delay: number): void => {
    if (timer !== null) clearTimeout(timer);
    timer = wants() ? setTimeout(() => void tick(), delay) : null;
  };
  async function tick(): Promise<void> {
    timer = null;
    if (isAsking || !wants()) return;
    isAsking = true;
    try {
      await ask();
    } finally {
      isAsking = false;
      schedule(pace);
    }
  }
  const onVisibility = (): void => schedule(0);
  const observer = new IntersectionObserver((entries) => {
    isSeen = entries.at(-1)!.isIntersecting;
    schedule(0);
  });
  observer.observe(element);
  document.addEventListener("visibilitychange", onVisibility);

  return {
    now: () => schedule(0),
    stop() {
      isStopped = true;
      observer.disconnect();
      document.removeEventListener("visibilitychange", onVisibility);
      if (timer !== null) clearTimeout(timer);
    },
  };
}
