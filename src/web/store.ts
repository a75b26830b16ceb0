/** The page's state in one place. Views are drawn from it, actions change it, and nothing else holds any. */
export interface Store<State> {
  readonly state: State;
  /** Replaces what `change` gives, and draws once for all changes of this turn. */
  update(change: (state: State) => Partial<State>): void;
  /** Draws now what would be drawn at the end of this turn, for those who are about to measure or to focus it. */
  flush(): void;
  /** Calls `draw` now, and whenever the state has changed. */
  onChange(draw: (state: State) => void): void;
}

export function createStore<State extends object>(initial: State): Store<State> {
  let state = initial;
  let isScheduled = false;
  const listeners: ((state: State) => void)[] = [];
  const drawAll = (): void => {
    if (!isScheduled) return;
    isScheduled = false;
    for (const draw of listeners) draw(state);
  };
  return {
    get state() {
      return state;
    },
    update(change) {
      state = { ...state, ...change(state) };
      if (isScheduled) return;
      isScheduled = true;
      queueMicrotask(drawAll);
    },
    flush: drawAll,
    onChange(draw) {
      listeners.push(draw);
      draw(state);
    },
  };
}
