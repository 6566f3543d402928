import type { ConvGeometry } from '../primitives.ts';
import type { Tensor } from '../tensor.ts';
import type { OnnxAttribute } from './model.ts';
import type { Lowering } from './lowering.ts';
import type { LoweringRule } from './rules.ts';
import { transpose } from './transpose.ts';

type Size = readonly [number, number, number, number];

function sizes(node: Tensor): Size {
  return node.shape as unknown as Size;
}

function operandSizes(node: Tensor): readonly [Size, Size] {
  return [sizes(node.inputs[0] as Tensor), sizes(node.inputs[1] as Tensor)];
}

function convAttributes(g: ConvGeometry, kernel: readonly number[]): Record<string, OnnxAttribute> {
  return { kernel_shape: kernel, strides: g.stride, pads: g.padding, dilations: g.dilation };
}

/** A way to write one primitive of the family in ONNX. */
interface Form<P extends 'conv2d' | 'conv2dInputGrad' | 'conv2dFilterGrad'> {
  readonly name: string;
  applies(node: Tensor<P>, to: Lowering): boolean;
  readonly emit: LoweringRule<P>;
}

/** Lowers by the form the chooser takes among those that apply. */
function byForm<P extends 'conv2d' | 'conv2dInputGrad' | 'conv2dFilterGrad'>(
  forms: readonly Form<P>[],
): LoweringRule<P> {
  return (to, node, x) => {
    const able = forms.filter((form) => form.applies(node, to));
    const name = to.choose(
      node,
      able.map((form) => form.name),
    );
    const form = able.find((candidate) => candidate.name === name);
    if (form === undefined)
      throw new RangeError(
        `${node.primitive}: "${name}" is not a form of it here; choose from ${able.map((f) => f.name).join(', ')}.`,
      );
    return form.emit(to, node, x);
  };
}

const always = (): boolean => true;

/** Rows and columns of the image that no window reaches, at the bottom and right. */
function leftover(
  image: readonly number[],
  kernel: readonly number[],
  output: readonly number[],
  g: ConvGeometry,
): [number, number] {
  return [0, 1].map((i) => {
    const reached =
      ((output[i] as number) - 1) * (g.stride[i] as number) +
      (g.dilation[i] as number) * ((kernel[i] as number) - 1) +
      1;
    return (image[i] as number) + (g.padding[i] as number) + (g.padding[i + 2] as number) - reached;
  }) as [number, number];
}

export const lowerConv2d: LoweringRule<'conv2d'> = byForm<'conv2d'>([
  {
    name: 'conv',
    applies: always,
    emit: (to, node, x) => to.onnx.node('Conv', x, convAttributes(node.attributes, operandSizes(node)[1].slice(2))),
  },
]);

/** Padding of the stride-1 convolution that a stride-1 transposed convolution is. */
function flippedPadding(node: Tensor<'conv2dInputGrad'>): number[] {
  const { padding, dilation } = node.attributes;
  const [, [, , kh, kw]] = operandSizes(node);
  return padding.map((p, i) => (dilation[i % 2] as number) * ((i % 2 === 0 ? kh : kw) - 1) - p);
}

export const lowerConv2dInputGrad: LoweringRule<'conv2dInputGrad'> = byForm<'conv2dInputGrad'>([
  {
    // With stride 1 the adjoint is a convolution with filters flipped in space and exchanged in channels; ORT's Conv is
    // faster than its ConvTranspose.
    name: 'flipped-conv',
    applies: (node) => node.attributes.stride.every((s) => s === 1) && flippedPadding(node).every((p) => p >= 0),
    emit: (to, node, x) => {
      const [, w] = operandSizes(node);
      const [, , kh, kw] = w;
      const swapped = transpose(to, x[1] as string, w, [1, 0, 2, 3]);
      const axes = [2, 3].filter((_, i) => [kh, kw][i] !== 1);
      const flipped = to.onnx.slice(
        swapped,
        axes,
        axes.map(() => -1),
        axes.map(() => -(2 ** 31)),
        axes.map(() => -1),
      );
      const { dilation } = node.attributes;
      return to.onnx.node('Conv', [x[0] as string, flipped, ...x.slice(2)], {
        kernel_shape: [kh, kw],
        strides: [1, 1],
        pads: flippedPadding(node),
        dilations: dilation,
      });
    },
  },
  {
    name: 'conv-transpose',
    applies: always,
    emit: (to, node, x) => {
      const [y, w] = operandSizes(node);
      const extra = leftover(node.attributes.size, w.slice(2), y.slice(2), node.attributes);
      return to.onnx.node('ConvTranspose', x, {
        ...convAttributes(node.attributes, w.slice(2)),
        output_padding: extra,
      });
    },
  },
]);

export const lowerConv2dFilterGrad: LoweringRule<'conv2dFilterGrad'> = byForm<'conv2dFilterGrad'>([
  {
    // Channels take the place of images and images that of channels; the stride becomes a dilation and the other way round.
    name: 'dilated-conv',
    applies: always,
    emit: (to, node, x) => {
      const g = node.attributes;
      const [image, output] = operandSizes(node);
      const [down, right] = leftover(image.slice(2), g.kernel, output.slice(2), g);
      // What no window reached is left out: from the padding where that suffices, else from the image.
      const [top, left, bottom, far] = g.padding;
      const cut = [Math.max(0, down - bottom), Math.max(0, right - far)] as const;
      let images = transpose(to, x[0] as string, image, [1, 0, 2, 3]);
      const axes = [2, 3].filter((axis) => cut[axis - 2] !== 0);
      images = to.onnx.slice(
        images,
        axes,
        axes.map(() => 0),
        axes.map((axis) => (image[axis] as number) - (cut[axis - 2] as number)),
        axes.map(() => 1),
      );
      const outputs = transpose(to, x[1] as string, output, [1, 0, 2, 3]);
      const product = to.onnx.node('Conv', [images, outputs], {
        kernel_shape: output.slice(2),
        strides: g.dilation,
        dilations: g.stride,
        pads: [top, left, Math.max(0, bottom - down), Math.max(0, far - right)],
      });
      const [o, c, kh, kw] = sizes(node);
      return transpose(to, product, [c, o, kh, kw], [1, 0, 2, 3]);
    },
  },
]);
