/** What the kernel says about itself. */
import { createRequire } from "node:module";
import { protocolVersion, type JsonObject } from "../protocol/message.js";

const { version } = createRequire(import.meta.url)("cellgrad/package.json") as { readonly version: string };

/** The content of a kernel_info_reply. */
export const kernelInfo: JsonObject = {
  status: "ok",
  protocol_version: protocolVersion,
  implementation: "cellgrad",
  implementation_version: version,
  language_info: {
    name: "typescript",
    version: "7.0.2",
    mimetype: "application/typescript",
    file_extension: ".ts",
    pygments_lexer: "typescript",
    codemirror_mode: "typescript",
    nbconvert_exporter: "script",
  },
  banner: `cellgrad ${version}: TypeScript with tensors, on Node ${process.versions.node}`,
  help_links: [
    { text: "TypeScript", url: "https://www.typescriptlang.org/docs/" },
    { text: "Node.js", url: "https://nodejs.org/docs/latest/api/" },
  ],
  debugger: true,
  supported_features: ["debugger", "kernel subshells"],
};
