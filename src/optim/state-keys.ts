/** Keys of state dicts: PyTorch's spelling there, ours on objects; and which objects have integers for keys. */

/** `weightDecay` as `weight_decay`, `TMax` as `T_max`. */
export const toPython = (key: string): string => key.replace(/(?!^)[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
/** `weight_decay` as `weightDecay`, `T_max` as `TMax`. */
export const fromPython = (key: string): string => key.replace(/(?!^)_([a-z])/g, (_, letter: string) => letter.toUpperCase());
