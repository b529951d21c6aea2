/** Shows tensors in a notebook: the display method of Tensor, and its live view. */
import { native } from "../../runtime/addon.js";
import { Tensor } from "../../tensor/tensor.js";
import { displaySymbol, type MimeBundle } from "../../wire/host.js";
import type { ViewReply, ViewRequest } from "../../wire/views.js";
import { keepLatest, offer } from "../live.js";
import { answerTensor } from "./answers.js";
import { tensorBundle, tensorPayload, type Identity } from "./bundle.js";
import { elementsOf } from "./tensor-elements.js";

/** The MIME bundle of a tensor: at most 24 KB, at most 3 KB for up to 64 elements. */
export function displayTensor(tensor: Tensor): MimeBundle {
  const identity = identityOf(tensor);
  // Without its graph, and on the CPU only: nobody expects a picture to hold a device's memory.
  if (identity.live !== null && tensor.dev === 0)
    keepLatest(identity.live, tensor.gradFn === null ? tensor : tensor.detach(), tensor.nbytes);
  return tensorBundle(elementsOf(tensor), identity, String(tensor));
}

function identityOf(tensor: Tensor): Identity {
  return {
    device: tensor.device,
    bytes: tensor.nbytes,
    requiresGrad: tensor.requiresGrad,
    gradFn: tensor.gradFn?.name ?? null,
    tensorVersion: native.version(tensor.live("display")),
    live: offer(tensor, answer),
  };
}

function answer(tensor: Tensor, request: ViewRequest): ViewReply {
  if (tensor.disposed) return { kind: "gone", request: request.request, reason: "freed" };
  const elements = elementsOf(tensor);
  const subject = { elements, tensorVersion: native.version(tensor.handle), payload: () => tensorPayload(elements, identityOf(tensor)) };
  return answerTensor(subject, request);
}

Object.defineProperty(Tensor.prototype, displaySymbol, {
  configurable: true,
  writable: true,
  value(this: Tensor): MimeBundle {
    return displayTensor(this);
  },
});
