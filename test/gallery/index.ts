/** Everything the gallery shows, in order. */
import { deviceItems } from "./devices.js";
import { errorItems } from "./errors.js";
import { gradientItems } from "./gradients.js";
import type { GalleryItem } from "./item.js";
import { runItems } from "./runs.js";
import { tensorItems } from "./tensors.js";

export function galleryItems(): GalleryItem[] {
  return [...tensorItems(), ...runItems(), ...gradientItems(), ...deviceItems(), ...errorItems()];
}
