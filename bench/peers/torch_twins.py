"""Twins of the sampling workloads and the base of the training ones."""

import math

import torch
import torch.nn.functional as F
from torch.autograd import grad


def under(arrays, prefix):
    """The arrays below a path, by the rest of their paths."""
    return {name[len(prefix) + 1 :]: value for name, value in arrays.items() if name.startswith(prefix + ".")}


def layers(params):
    """[(w, b), …] from paths such as 3.w, in order."""
    return [(params[f"{i}.w"], params[f"{i}.b"]) for i in sorted({int(name.split(".")[0]) for name in params})]


def laid_out(arrays, memory_format):
    return {name: value.contiguous(memory_format=memory_format) if value.dim() == 4 else value for name, value in arrays.items()}


def filter_means(features):
    """The mean response of each filter, over the batch and positions."""
    return features.mean([axis for axis in range(features.dim()) if axis != 1])


class Twin:
    """A workload: `step` is timed, `check` repeats the step that was recorded. `images` says whether formats matter."""

    images = True


class VggLangevin(Twin):
    def __init__(self, given, settings, memory_format):
        given = laid_out({**given, "theta": given["theta"][None]}, memory_format)
        self.filters = layers(under(given, "features"))
        self.theta, self.x, self.noise = given["theta"], given["x"], given["noise"]
        self.start = self.x
        self.h, self.sigma = settings["step"], settings["sigma"]

    def potential(self, x):
        h = x
        for i, (w, b) in enumerate(self.filters):
            h = F.relu(F.conv2d(h, w, b, padding=1), inplace=True)
            if i == 1:
                h = F.max_pool2d(h, 2)
        return (h * self.theta).sum()

    def force(self, x):
        x = x.detach().requires_grad_()
        return grad(self.potential(x), x)[0]

    def move(self, x):
        force = self.force(x)
        half = self.h * self.h / 2
        return x.mul(1 - half / self.sigma**2).add_(force, alpha=half).add_(self.noise, alpha=self.h)

    def step(self):
        self.x = self.move(self.x)

    def check(self, _):
        return {"x": self.move(self.start), "force": self.force(self.start)}


class PointLangevin(Twin):
    images = False

    def __init__(self, given, settings, memory_format):
        params = under(given, "params")
        self.dense = layers(under(params, "features"))
        self.theta, self.x, self.start = params["theta"], given["x"], given["x"]
        self.h, self.repeats = settings["step"], settings["repeats"]

    def move(self, x, noise):
        x = x.detach().requires_grad_()
        h = x
        for w, b in self.dense:
            h = F.silu(torch.addmm(b, h, w))
        (force,) = grad((h @ self.theta).sum(), x)
        with torch.no_grad():
            return x.add(force, alpha=self.h * self.h / 2).add_(noise, alpha=self.h)

    def step(self):
        for _ in range(self.repeats):
            self.x = self.move(self.x, torch.randn_like(self.x))

    def check(self, draws):
        x = self.start
        for noise in draws:
            x = self.move(x, noise)
        return {"x": x}


class Wgcn(Twin):
    def __init__(self, given, settings, memory_format):
        self.settings = settings
        params = under(given, "params")
        params["theta"] = params["theta"][None]
        params = laid_out(params, memory_format)
        self.params = {name: value.requires_grad_() for name, value in params.items()}
        self.start = {name: value.detach().clone() for name, value in params.items()}
        self.average = [value.detach().clone() for value in params.values()]
        given = laid_out({key: given[key] for key in ("particles", "buffer", "data")}, memory_format)
        self.previous, self.buffer, self.data = given["particles"], given["buffer"], given["data"]
        values = list(self.params.values())
        self.optimizer = torch.optim.Adam(values, lr=settings["rate"], betas=(settings["beta1"], 0.999), foreach=True)
        decay = settings["decayIterations"]
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, decay) if decay else None

    def features(self, params, x):
        h = x
        for w, b in layers(under(params, "features")):
            if w.dim() == 4:
                h = F.silu(F.conv2d(h, w, b, stride=2, padding=(w.shape[2] - 1) // 2))
            else:
                h = F.silu(torch.addmm(b, h.flatten(1), w))
        return h

    def potential(self, params, features):
        return (features * params["theta"]).flatten(1).sum(1) * self.settings["gain"]

    def sample(self, x, noises):
        s = self.settings
        held = {name: value.detach() for name, value in self.params.items()}
        h = s["step"]
        for i in range(int(s["steps"])):
            x = x.detach().requires_grad_()
            (force,) = grad(self.potential(held, self.features(held, x)).sum(), x)
            with torch.no_grad():
                noise = noises[i] if noises else torch.randn_like(x)
                rise = force * (h * h / 2)
                if s["maxDisplacement"]:
                    rise = rise.clamp_(-s["maxDisplacement"], s["maxDisplacement"])
                x = rise.add_(x).add_(noise, alpha=h * math.sqrt(s["temperature"]))
                if s["clip"]:
                    x = x.clamp_(*s["clip"])
        return x, force.flatten(1).norm(dim=1).mean()

    def speed(self, x):
        """Features at x, Φ, and mean ‖h²/2 ∇ₓΦ‖² with its graph."""
        x = x.detach().requires_grad_()
        features = self.features(self.params, x)
        potential = self.potential(self.params, features)
        (force,) = grad(potential.sum(), x, create_graph=True)
        scale = self.settings["step"] ** 2 / 2
        return features, potential, force.square().sum() * (scale * scale / x.shape[0])

    def update(self, x, gamma, data_noise):
        s = self.settings
        data = self.data
        if s["dataNoise"]:
            noise = torch.randn_like(data) if data_noise is None else data_noise
            data = data.add(noise, alpha=s["dataNoise"])
            data = data.clamp_(*s["clip"]) if s["clip"] else data
        on_data = self.features(self.params, data)
        real = self.potential(self.params, on_data)
        on_particles, particles, speed = self.speed(x)
        _, _, previous = self.speed(self.previous)
        loss = particles.mean() - real.mean() + s["energyL2"] * (real.square().mean() + particles.square().mean())
        loss = loss + s["beta"] / 2 * ((1 - gamma) * previous + gamma * speed)
        gradients = grad(loss, list(self.params.values()))
        for value, gradient in zip(self.params.values(), gradients):
            value.grad = gradient
        self.optimizer.step()
        if self.schedule:
            self.schedule.step()
        with torch.no_grad():
            torch._foreach_mul_(self.average, s["ema"])
            torch._foreach_add_(self.average, [p.detach() for p in self.params.values()], alpha=1 - s["ema"])
            distance = (filter_means(on_particles) - filter_means(on_data)).abs().mean()
            norm = torch.stack([g.norm() for g in gradients]).norm()
        metrics = {"loss": loss, "potentialData": real.mean(), "potentialParticles": particles.mean(), "speed": speed}
        metrics |= {"previousSpeed": previous, "parameterGradientNorm": norm, "responseDistance": distance}
        return {name: value.item() for name, value in metrics.items()}

    def iterate(self, rows, restarted, fresh, noises, gamma, data_noise):
        x = self.buffer[rows]
        x[restarted] = fresh
        x, norm = self.sample(x, noises)
        metrics = self.update(x, gamma, data_noise)
        self.buffer[rows] = x
        self.previous = x
        return {**metrics, "gradientNorm": norm.item()}

    def step(self):
        count = self.data.shape[0]
        rows = torch.randperm(self.buffer.shape[0])[:count]
        restarted = torch.randperm(count)[: round(self.settings["fresh"] * count)]
        fresh = torch.rand((len(restarted), *self.data.shape[1:])) * 2 - 1
        self.iterate(rows, restarted, fresh, None, torch.rand(()).item(), None)

    def check(self, draws):
        """`draws`: rows of the buffer, rows to restart, their fresh values, the noise of each step, γ, that of the data."""
        count, steps = self.data.shape[0], int(self.settings["steps"])
        rows, restarted, fresh, *rest = draws
        noises, gamma, data_noise = rest[:steps], rest[steps], rest[steps + 1] if len(rest) > steps + 1 else None
        restarted = restarted[: fresh.shape[0]].long()
        metrics = self.iterate(rows[:count].long(), restarted, fresh, noises, gamma.item(), data_noise)
        changes = {f"change.{name}": p.detach() - self.start[name] for name, p in self.params.items()}
        changes["change.theta"] = changes["change.theta"][0]
        scalars = {f"metrics.{name}": value for name, value in metrics.items()}
        return {"particles": self.previous, **scalars, **changes}


class Training(Twin):
    """A loss descended with Adam. Subclasses give `loss(params, batch)` and `batch()`."""

    def __init__(self, given, settings, memory_format):
        self.settings, self.memory_format = settings, memory_format
        given = laid_out(given, memory_format)
        self.params = {name: value.requires_grad_() for name, value in under(given, "params").items()}
        self.start = {name: value.detach().clone() for name, value in self.params.items()}
        self.first = under(given, "batch")
        self.optimizer = torch.optim.Adam(
            self.params.values(), lr=settings["rate"], betas=(settings["beta1"], 0.999), foreach=True
        )

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss(self.params, self.batch())
        loss.backward(inputs=list(self.params.values()))
        self.optimizer.step()
        return loss

    def check(self, _):
        self.batch = lambda: self.first
        loss = self.step()
        result = {"loss": loss}
        for name, value in self.params.items():
            result[f"gradients.{name}"] = value.grad
            result[f"change.{name}"] = value.detach() - self.start[name]
        return result


TWINS = {
    "vgg-langevin-64": VggLangevin,
    "vgg-langevin-224": VggLangevin,
    "wgcn-mnist": Wgcn,
    "wgcn-32": Wgcn,
    "point-langevin": PointLangevin,
}
