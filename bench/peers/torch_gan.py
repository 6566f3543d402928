"""Twins of the training workloads: EIEG GAN, DCGAN, VAPO, the 2-D generator."""

import math

import torch
import torch.nn.functional as F

from torch_twins import Training, layers, under


def normalised(h, params, i):
    """Batch normalisation in training mode where layer i has it."""
    scale = params.get(f"{i}.norm.scale")
    return h if scale is None else F.batch_norm(h, None, None, scale, params[f"{i}.norm.shift"], training=True)


def count(params):
    return 1 + max(int(name.split(".")[0]) for name in params)


def discriminator(params, x):
    last = count(params) - 1
    h = x
    for i in range(last):
        h = F.leaky_relu(normalised(F.conv2d(h, params[f"{i}.w"], stride=2, padding=1), params, i), 0.2, inplace=True)
    return F.conv2d(h, params[f"{last}.w"]).flatten(1)


def generator(params, z):
    last = count(params) - 1
    h = z[:, :, None, None]
    for i in range(last + 1):
        stride, padding = (1, 0) if i == 0 else (2, 1)
        h = normalised(F.conv_transpose2d(h, params[f"{i}.w"], stride=stride, padding=padding), params, i)
        h = F.relu(h, inplace=True) if i < last else torch.tanh(h)
    return h


def squared_distances(a, b):
    """By differences, a column at a time: the fastest form here for points, and 1 % of a step for 16 features."""
    columns = [(x[:, None] - y).square() for x, y in zip(a.unbind(1), b.unbind(1))]
    return sum(columns[1:], columns[0])


def elastic_kernel(r2, cutoff, dimension):
    """The capped kernel of METHODS section 3, times m^(d-1), from squared distances."""
    m2 = cutoff * cutoff
    ratio = m2 / r2.clamp_min(m2)
    capped = ratio if dimension == 3 else ratio.sqrt() if dimension == 2 else ratio.pow((dimension - 1) / 2)
    return capped + (dimension - 1) / 2 * (1 - r2 / m2).relu()


def elastic_generator_loss(fake, real, cutoff, dimension):
    among = elastic_kernel(squared_distances(fake, fake), cutoff, dimension).mean()
    return among - 2 * elastic_kernel(squared_distances(fake, real), cutoff, dimension).mean()


class EiegDiscriminator(Training):
    def __init__(self, given, settings, memory_format):
        super().__init__(given, settings, memory_format)
        self.generator = under(self.first, "generator")
        n = len(self.first["real"])
        signs = torch.cat([torch.full((n,), 1 / n), torch.full((n,), -1 / n)])
        self.signs = signs[:, None] * signs[None]

    def batch(self):
        return {"real": self.first["real"], "z": torch.randn_like(self.first["z"])}

    def loss(self, params, batch):
        s = self.settings
        with torch.no_grad():
            images = generator(self.generator, batch["z"])
        features = torch.cat([discriminator(params, batch["real"]), discriminator(params, images)])
        r2 = squared_distances(features, features)
        energy = (elastic_kernel(r2, s["cutoff"], s["kernelDimension"]) * self.signs).sum()
        return elastic_kernel(r2, s["stabiliser"], s["kernelDimension"]).mean() - energy


class EiegGenerator(Training):
    def __init__(self, given, settings, memory_format):
        super().__init__(given, settings, memory_format)
        self.discriminator = under(self.first, "discriminator")

    def batch(self):
        return {"real": self.first["real"], "z": torch.randn_like(self.first["z"])}

    def loss(self, params, batch):
        s = self.settings
        with torch.no_grad():
            real = discriminator(self.discriminator, batch["real"])
        fake = discriminator(self.discriminator, generator(params, batch["z"]))
        return elastic_generator_loss(fake, real, s["cutoff"], s["kernelDimension"])


class DcganDiscriminator(Training):
    def batch(self):
        return self.first

    def loss(self, params, batch):
        return F.softplus(-discriminator(params, batch["real"])).mean()


def wide_resnet(params, x):
    """Pre-activation residual blocks with weight-normalised convolutions."""

    def convolve(h, name, stride=1):
        v, g = params[f"{name}.v"], params[f"{name}.g"]
        w = v * (g / v.square().sum((1, 2, 3)).sqrt())[:, None, None, None]
        return F.conv2d(h, w, params[f"{name}.b"], stride=stride, padding=(v.shape[2] - 1) // 2)

    h = convolve(x, "stem")
    for i in range(1 + max(int(name.split(".")[1]) for name in params if name.startswith("blocks."))):
        block = f"blocks.{i}"
        shrinks = f"{block}.shortcut.v" in params
        stride = 2 if shrinks else 1
        active = F.gelu(h)
        body = convolve(F.gelu(convolve(active, f"{block}.first", stride)), f"{block}.second")
        h = body + (convolve(active, f"{block}.shortcut", stride) if shrinks else h)
    return torch.addmm(params["head.b"], F.gelu(h).mean((2, 3)), params["head.w"])[:, 0]


class Vapo(Training):
    def batch(self):
        data = self.first["data"]
        return {"data": data, "noise": torch.randn_like(data), "clock": torch.rand(len(data))}

    def loss(self, params, batch):
        s = self.settings
        data, epsilon = batch["data"], s["epsilon"]
        rate = math.log((1 + epsilon) / epsilon)
        shifted = (batch["clock"] * rate + math.log(epsilon)).exp()
        t, weight = (shifted - epsilon).clamp_min(0), shifted * rate
        s2, omega2 = s["dataStd"] ** 2, s["priorStd"] ** 2
        scale = t * omega2 + s2
        a, variance = t * omega2 / scale, s2 * omega2 / scale
        x = data * a[:, None, None, None] + batch["noise"] * variance.sqrt()[:, None, None, None]
        gamma = (data - x).square().sum((1, 2, 3)) / s2
        mean = (variance * data[0].numel() + (1 - a) ** 2 * data.square().sum((1, 2, 3))) / s2
        x.requires_grad_()
        potential = wide_resnet(params, x)
        (force,) = torch.autograd.grad(potential.sum(), x, create_graph=True)
        speed = force.square().sum() / len(x)
        return (weight * potential * (gamma - mean)).mean() + speed + s["poincare"] * potential.square().mean()


class MlpGenerator(Training):
    images = False

    def batch(self):
        return {"real": self.first["real"], "z": torch.randn_like(self.first["z"])}

    def loss(self, params, batch):
        h = batch["z"]
        dense = layers(params)
        for i, (w, b) in enumerate(dense):
            h = torch.addmm(b, h, w)
            if i + 1 < len(dense):
                h = F.leaky_relu(h, 0.2, inplace=True)
        s = self.settings
        return elastic_generator_loss(h, batch["real"], s["cutoff"], s["kernelDimension"])


GAN_TWINS = {
    "eieg-d": EiegDiscriminator,
    "eieg-g": EiegGenerator,
    "vapo": Vapo,
    "dcgan-d": DcganDiscriminator,
    "mlp-generator": MlpGenerator,
}
