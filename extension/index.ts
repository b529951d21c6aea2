/** The JupyterLab plugins: renderers for the MIME types of cellgrad, and help with writing cells. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import { IThemeManager } from "@jupyterlab/apputils";
import { IRenderMimeRegistry } from "@jupyterlab/rendermime";
import {
  devicesMime,
  gradientsMime,
  isDevicesPayload,
  isGradientsPayload,
  isRunPayload,
  isShapeErrorPayload,
  isTensorPayload,
  runMime,
  shapeErrorMime,
  tensorMime,
  type DevicesPayload,
  type GradientsPayload,
  type RunPayload,
  type ShapeErrorPayload,
  type TensorPayload,
} from "../src/wire/index.js";
import { editorPlugin } from "./editor/plugin.js";
import { Output, type Kind } from "./output.js";
import { DevicesSidebar } from "./sidebar.js";
import { devicesView } from "./views/devices/panel.js";
import { gradientsView } from "./views/gradients.js";
import { runView } from "./views/run.js";
import { shapeErrorView } from "./views/shape-error.js";
import { tensorView } from "./views/tensor.js";

const tensors: Kind<TensorPayload> = { mime: tensorMime, isPayload: isTensorPayload, createView: tensorView };
const runs: Kind<RunPayload> = {
  mime: runMime,
  isPayload: isRunPayload,
  createView: runView,
  isRunning: (run) => run.status === "running",
};
const gradients: Kind<GradientsPayload> = { mime: gradientsMime, isPayload: isGradientsPayload, createView: gradientsView };

const devices: Kind<DevicesPayload> = { mime: devicesMime, isPayload: isDevicesPayload, createView: devicesView };

const shapeErrors: Kind<ShapeErrorPayload> = { mime: shapeErrorMime, isPayload: isShapeErrorPayload, createView: shapeErrorView };

/** Before text/html, which has rank 50 and may stand in the same bundle. */
const rank = 30;

const viewsPlugin: JupyterFrontEndPlugin<void> = {
  id: "cellgrad:views",
  description:
    "Draws tensors, training runs, gradients, devices and shapes that do not fit; a sidebar has the devices of the kernel in front.",
  autoStart: true,
  requires: [IRenderMimeRegistry],
  optional: [IThemeManager],
  activate({ shell }: JupyterFrontEnd, registry: IRenderMimeRegistry, themes: IThemeManager | null) {
    const outputs = new Set<{ schedule(): void }>();
    const redraw = (): void => outputs.forEach((output) => output.schedule());
    const register = <Payload>(kind: Kind<Payload>): void => {
      registry.addFactory(
        {
          safe: true,
          mimeTypes: [kind.mime],
          createRenderer() {
            const output = new Output(kind, () => shell.widgets("main"));
            outputs.add(output);
            output.disposed.connect(() => outputs.delete(output));
            return output;
          },
        },
        rank,
      );
    };
    register(tensors);
    register(runs);
    register(gradients);
    register(devices);
    register(shapeErrors);
    const sidebar = new DevicesSidebar(shell);
    outputs.add(sidebar);
    shell.add(sidebar, "right", { rank: 910 });
    themes?.themeChanged.connect(redraw);
    matchMedia("(forced-colors: active)").addEventListener("change", redraw);
  },
};

export default [viewsPlugin, editorPlugin];
