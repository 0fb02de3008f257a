"""Exercise flow-22: The gradient by a second equation."""

import weakref
from itertools import chain

import numpy as np
import torch

from .._exercise import Exercise
from .._parts import mistakes
from ._shared_maps import in_float32, pair

STATE = "state not solved backward"


@Exercise(
    id="flow-22",
    title="The gradient by a second equation",
    difficulty=4,
    minutes=40,
    compute="cpu-instant",
    points=5,
    objectives=(
        "Solve state, adjoint and the gradient of a parameter backward together, in "
        "memory that does not grow with the number of steps.",
    ),
    statement=r"""
A state follows $\mathrm dx / \mathrm dt = f(x, t, \theta)$ from $t = 0$ to $t = 1$, and
$L$ is a function of where it ends. The adjoint $a(t) = \partial L / \partial x(t)$ has
an equation of its own ([Chen et al., 2018](https://arxiv.org/abs/1806.07366)):

$$
\frac{\mathrm da}{\mathrm dt} = - \Bigl(\frac{\partial f}{\partial x}\Bigr)^{\!\top} a ,
\qquad \frac{\partial L}{\partial \theta} = \int_0^1
\Bigl(\frac{\partial f}{\partial \theta}\Bigr)^{\!\top} a \; \mathrm dt .
$$

Write `adjoint_gradient(f, x1, grad_x1, theta, steps)`. `x1` is $x(1)$, `(b, d)`, and
`grad_x1` of the same shape is $\partial L / \partial x(1)$; `theta` is a tensor of any
shape, shared by all rows, so that its gradient is a sum over them. `f(x, t, theta)`
gives `(b, d)` for `(b, d)`, a number `t` from 0 to 1 and `theta`, each row from its own
row; it is made of differentiable operations of PyTorch and depends on both `x` and
`theta`. Return the pair $(\partial L / \partial x(0), \partial L / \partial \theta)$,
in the shapes of `x1` and `theta` and without a graph. $x(0)$ is not given: the state is
solved backward, too.

- The way from 1 to 0 is made in `steps` steps of one size of a method of order 4, such
  as the classical one of Runge and Kutta: twice the steps make the error at least ten
  times smaller. `f` is evaluated 4 to 8 times a step.
- At no time are the graphs of more than 8 evaluations of `f` alive: nothing is
  backpropagated through the solve.
- Everything is float32, or everything float64, as the results are. `x1`, `grad_x1` and
  `theta` may or may not require a gradient.
""",
    stub='''
def adjoint_gradient(f, x1, grad_x1, theta, steps):
    """function, (b, d), (b, d), any shape, int -> (b, d), shape of theta."""
    return ..., ...
''',
    answers={"adjoint_gradient": callable},
    hints=(
        "Three tensors move together: the state, its adjoint and what has gathered of "
        "the integral, which begins with 0. Write their three rates.",
        "One call of `torch.autograd.grad(f(x, t, theta), (x, theta), a)` gives both "
        "products with $a$; `x` and `theta` are to be detached leaves for that.",
        "Time runs down: the steps are $-1/$`steps`, and the first begins at $t = 1$. "
        "With the rate of the integral as it stands in time, which sign comes out?",
    ),
    misconceptions={
        "no pair": "Two tensors are due, of the state and of theta.",
        "graph of the solve kept": "The memory of backpropagation grows with steps; "
        "here the graph of an evaluation is gone when the next is made.",
        "graph in the result": "The results are numbers, without a history.",
        "adjoint with the other sign": "Back in time the adjoint gathers what f adds.",
        "adjoint not transposed": "The adjoint is multiplied by the transpose.",
        "adjoint not moved": "dL/dx changes along the way.",
        STATE: "Both products are taken where the state was at that time, which is "
        "found by solving its equation backward.",
        "gradient of theta with the other sign": "It is the integral from 0 to 1.",
        "size of a step left out": "Each step adds its rate times its length.",
        "gradient of theta at one end": "It is an integral over the whole way.",
        "time turned around": "The way begins at t = 1.",
        "order of the method": "With twice the steps the error falls to about 1/16.",
        "another number of steps": "Four to eight evaluations of f for each step.",
        "float32 in between": "What comes back as float64 has the digits of float32.",
    },
)
def flow_22(t, adjoint_gradient):
    class Mark(torch.autograd.Function):
        """Its token lives as long as the graph of an evaluation of f."""

        generate_vmap_rule = True

        @staticmethod
        def forward(x):
            return x.clone()

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.token = Token()
            alive.add(ctx.token)

        @staticmethod
        def backward(ctx, g):
            return g

    class Token:
        pass

    alive, seen = weakref.WeakSet(), {}

    def system(d, kind, bend):
        """Linear in x (not bend), or in its sinh with a force that grows in time."""
        base = t.away(d, d, low=0.2, high=0.8).to(kind) / d**0.5
        force = t.away(d, low=0.4, high=0.8).to(kind) * bend

        def matrix(theta):
            return base * theta if theta.dim() < 2 else theta

        def f(x, now, theta):
            seen["calls"] = seen.get("calls", 0) + 1
            x = Mark.apply(x)
            seen["most"] = max(seen.get("most", 0), len(alive))
            y = x.sinh() if bend else x
            return (y @ matrix(theta).T + force * now) / (x.cosh() if bend else 1.0)

        def carried(x, theta, way=1, turned=False):
            """From 0 to 1 or (way = -1) back, by the exponential of a matrix."""
            a, c = matrix(theta), force.to(theta)
            whole = torch.cat([a, c[:, None], 0 * c[:, None]], 1)
            whole = torch.cat([whole, torch.zeros(2, d + 2).to(whole)])
            clock = torch.zeros_like(whole)
            clock[d, d + 1] = -1.0 if turned else 1.0
            rows = torch.linalg.matrix_exp(way * (whole + clock))[:d]
            start = float(turned == (way > 0))
            y = x.sinh() if bend else x
            y = y @ rows[:, :d].T + start * rows[:, d] + rows[:, d + 1]
            return y.asinh() if bend else y

        return f, carried, matrix

    def rivals(i, x1, g, theta, matrix, steps):
        """Of a linear system, at all times s before the end, by quadrature."""
        nodes, w = np.polynomial.legendre.leggauss(20)
        a = matrix(theta.detach()).double()
        x1, g, near = x1.detach().double(), g.double(), theta.detach().double()
        moves = {
            "": (1, True),
            "adjoint with the other sign": (-1, True),
            "adjoint not transposed": (1, False),
            "adjoint not moved": (0, True),
        }
        states = {"": -1, STATE: [0, 1]}
        signs = {"": 1.0, "gradient of theta with the other sign": -1.0,
                 "size of a step left out": [steps, -steps]}  # fmt: skip
        spans = {"": list(zip((nodes + 1) / 2, w / 2)),
                 "gradient of theta at one end": [[(0, 1)], [(1, 1)]]}  # fmt: skip

        def adjoint(move, s):
            m = torch.linalg.matrix_exp(move[0] * s * a)
            return g @ (m if move[1] else m.T)

        def value(move, state, sign, span):
            total = torch.zeros_like(a)
            for s, share in span:
                x = x1 @ torch.linalg.matrix_exp(state * s * a).T
                total = total + share * adjoint(move, s).T @ x
            with torch.enable_grad():
                near.requires_grad_()
                return sign * torch.autograd.grad(matrix(near), near, total)[0]

        spans = {k: v if k else [v] for k, v in spans.items()}
        if i == 0:
            return mistakes(lambda move: adjoint(move, 1.0), moves)
        return mistakes(value, moves, states, signs, spans)

    kept: list = []

    def drawn(b, d, shape, kind=torch.float64, bend=True, flag=False):
        """A system, what is passed on, and the two results in closed form."""
        f, carried, matrix = system(d, kind, bend)
        theta = t.away(*shape, low=0.4, high=0.9).to(kind)
        theta = theta / d**0.5 if len(shape) == 2 else theta
        x0, g = (
            t.away(b, d, low=0.3, high=1.2).to(kind),
            t.away(b, d, low=0.3, high=1.5),
        )

        def gradients(x0, turned=False):
            at = x0.detach().double().requires_grad_(), theta.detach().double()
            end = carried(at[0], at[1].requires_grad_(), 1, turned)
            return end.detach(), torch.autograd.grad(end, at, g.double())

        end, due = gradients(x0)
        back = carried(end, theta.double(), -1, True)
        given = (
            end.to(kind).requires_grad_(flag),
            g.to(kind),
            theta.requires_grad_(flag),
        )
        return f, given, due, gradients(back, True)[1], None if bend else matrix

    def errors(name, case, steps, tol=None):
        """Of both results, beside those of the closed form."""
        f, (x1, g, theta), due, turned, matrix = case
        alive.clear()
        seen.clear()
        t.property(name)
        out = t.call(adjoint_gradient, f, x1, g, theta, steps)
        for part, like in zip(pair(t, out, "(dL/dx(0), dL/dθ)"), due):
            t.shape(part, like.shape, "that of x1, or theta.")
            t.dtype(part, x1.dtype, "that of x1.")
            told = "Numbers, which hold no history.", "requires_grad is true"
            t.true(not t.tensor(part).requires_grad, *told, "graph in the result")
        most, calls = seen.get("most", 0), seen.get("calls", 0)
        why, told = "At most 8 evaluations.", "graph of the solve kept"
        t.true(most <= 8, why, f"The graphs of {most} are alive at once.", told)
        why, told = f"4 to 8 times {steps} evaluations of f.", "another number of steps"
        t.true(4 * steps <= calls <= 8 * steps, why, f"{calls} of them.", told)
        past = [v for v in kept if all(map(same, v, due))]
        for i, (part, right) in enumerate(zip(out, due) if tol else ()):
            t.property(f"{name}: {('dL/dx(0)', 'dL/dθ')[i]}", of=part)
            single, found = in_float32(t.tensor(part), right)
            t.true(not found, "The digits of float64.", "Those of float32.", single)
            ideas = [("result of an earlier call", [v[i] for v in past])]
            if matrix:
                ideas = chain(ideas, rivals(i, x1, g, theta, matrix, steps))
            elif not torch.allclose(turned[i], right, 1e-3):
                ideas.append(("time turned around", turned[i]))
            why = "By automatic differentiation of the closed form."
            t.close(part, right, why, None, ideas, tol)
        kept.append(due)
        return [float((a.detach() - b).abs().max()) for a, b in zip(out, due)]

    def same(a, b):
        return a.shape == b.shape

    def order(name, case):
        """Where the error falls, and too slowly."""
        found = zip(errors(name, case, 4), errors(name, case, 8))
        falls = [a / b for a, b in found if b > 1e-6]
        why, got = "At least 10 times smaller.", f"{min(falls, default=16):.3g} times."
        slow = any(1.6 < v < 10 for v in falls)
        t.true(not slow, why, got, "order of the method")

    order("twice the steps", drawn(4, 3, (3, 3), bend=False))
    for b, d, shape in ((4, 3, (3, 3)), (4, 3, (3, 3)), (5, 3, ())):
        errors("a linear system", drawn(b, d, shape, bend=False), 16, 1e-5)
    sizes = (4, 3, (3, 3)), (3, 4, (1,)), (1, 3, (3,)), (4, 1, (1, 1)), (1, 1, ())
    for b, d, shape in (*sizes, (2, 12, (12, 12))):
        errors("any system", drawn(b, d, shape, flag=b > 2), 16, 3e-5)
    errors("float32", drawn(4, 3, (3, 3), torch.float32), 12, 1e-4)
    order("twice the steps", case := drawn(3, 3, (3, 3)))
    errors("one step", case, 1)
