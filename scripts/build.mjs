/** `npm run build`: brings everything up to date without starting or testing it. */
import { setUp } from "./setup.mjs";

await setUp();
