"""An analysis as a page that stands alone: no script, nothing from elsewhere, every picture in it.

It knows neither Qt nor torch. Whatever was typed or read from a file is escaped.
"""

import math
import re
from collections.abc import Sequence
from html import escape

import numpy as np
from PIL import Image

from unrolled.models.analysis.fidelity import Agreed, place_in_words
from unrolled.models.protocol.questions import Contributor, Equation, Explained
from unrolled.models.trace import Candidate, Channel, Trace
from unrolled.models.trace.names import printable, text_name
from unrolled.models.trace.numbers import MINUS, brief, general, signed
from unrolled.models.trace.places import first_read
from unrolled.models.trace.slices import spoken
from unrolled.viewer.report import pictures
from unrolled.viewer.report.analysis import Analysis
from unrolled.viewer.state.wording import place_name, right_sides, shown

CSS = """
:root{color-scheme:light dark;--text:#1b2330;--muted:#5b6675;--ground:#fff;--raised:#f6f7f9;--line:#d9dde3;--accent:#0b6e78;
--bad:#b3261e;--good:#1d7a46}
@media(prefers-color-scheme:dark){:root{--text:#e6eaf0;--muted:#9aa6b6;--ground:#12161c;--raised:#1a2029;--line:#303947;
--accent:#4cc3cf;--bad:#ff8a80;--good:#6fd19a}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--text);background:var(--ground);max-width:62rem;margin:2rem auto;
padding:0 1rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.15rem;margin:2.2rem 0 .4rem;border-bottom:1px solid var(--line)}
h3{font-size:1rem;margin:1.2rem 0 .3rem}.muted,figcaption,th{color:var(--muted)}.words span{display:inline-block;
border-radius:5px;padding:0 .4em;margin:.1em;background:color-mix(in srgb,var(--accent) var(--p),transparent)}
table{border-collapse:collapse;font-size:.9rem}td,th{padding:.1rem .7rem .1rem 0;text-align:left;vertical-align:top}
td.n{text-align:right;font-family:ui-monospace,monospace}code,.n{font-family:ui-monospace,monospace;font-size:.88em}
figure{display:inline-block;margin:.4rem 1rem .4rem 0;vertical-align:top;font-size:.85rem}
img{display:block;image-rendering:pixelated;border-radius:4px}.photo img{image-rendering:auto}
.plot rect{fill:var(--raised)}.plot text{fill:var(--muted);font-size:11px}
.plot .dots{fill:var(--accent);fill-opacity:.55}.plot polyline{fill:none;stroke:var(--accent);stroke-width:1.5}
.good{color:var(--good)}.bad{color:var(--bad)}details{margin:.3rem 0}summary{cursor:pointer}
.warning{border-left:4px solid var(--bad);padding-left:.7rem}@media print{body{max-width:none}details{break-inside:avoid}}
"""
MOST_PLACES = 8
MOST_MAPS = 24  # steps that have pictures


def page(analysis: Analysis, trace: Trace, picture: Image.Image | None) -> bytes:
    """The whole page.

    Parameters
    ----------
    trace : Trace
        That was analysed.
    picture : PIL image, optional
        What was looked at.
    """
    made = _Page(analysis, trace, picture)
    title = escape(text_name(f"{analysis.file}: {analysis.model}"))
    body = "".join(part for part in (
        made.heading(), made.words(), made.film_strip(), made.fidelity(), made.attention(), made.gradients(), made.occlusion(),
        made.equations(), made.gates(), made.similar()) if part)
    return (f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
            f'<meta name="viewport" content="width=device-width"><style>{CSS}</style></head>'
            f'<body>{printable(body)}</body></html>').encode()


class _Page:
    def __init__(self, analysis: Analysis, trace: Trace, picture: Image.Image | None) -> None:
        self._analysis, self._trace, self._picture = analysis, trace, picture
        self._attention: Channel | None = trace.with_role("attention")

    def word(self, step: int) -> str:
        return self._shown(self._trace.words[step]) if 0 <= step < len(self._trace) else ""

    def _shown(self, word: str) -> str:
        return escape(shown(word, self._trace.provenance.detokenization))

    def heading(self) -> str:
        own = self._analysis
        facts = [("Model", own.model), ("Device", own.device), ("Words", own.decoding), ("Weights", own.weights_hash[:16])]
        rows = "".join(f"<tr><th>{name}</th><td>{escape(value)}</td></tr>" for name, value in facts if value)
        edits = "".join(f"<li>{escape(edit.in_words)}</li>" for edit in own.edits)
        changed = f"<p>The computation was changed:</p><ul>{edits}</ul>" if edits else ""
        notes = "".join(f"<p class='muted'>{escape(note)}</p>" for note in own.notes)
        return f"<h1>{escape(own.text) or '–'}</h1><p class='muted'>{escape(own.file)}</p><table>{rows}</table>{changed}{notes}"

    def words(self) -> str:
        if not self._trace.provenance.words_chosen:  # they were given: there are no others, and no probabilities
            read = "".join(f"<span>{self.word(own.step)}</span>" for own in self._analysis.steps[:MOST_CHIPS])
            return f"<h2>Steps</h2><p class='words'>{read}</p>"
        chips = "".join(
            f"<span style='--p:{100 * math.exp(min(own.log_prob, 0)):.0f}%' title='{math.exp(min(own.log_prob, 0)):.3f}'>"
            f"{self.word(own.step)}</span>" for own in self._analysis.steps[:MOST_CHIPS])
        rows = "".join(
            f"<tr><td class='n'>{own.step + 1}</td><td>{self.word(own.step)}</td><td class='n'>{signed(own.log_prob, 4)}</td>"
            f"<td class='muted'>{self._others(own.candidates, own.token)}</td></tr>" for own in self._analysis.steps[:MOST_ROWS])
        table = f"<table><tr><th>step</th><th>word</th><th>log p</th><th>other candidates</th></tr>{rows}</table>"
        return f"<h2>Words</h2><p class='words'>{chips}</p><details><summary>with their probabilities</summary>{table}</details>"

    def _others(self, candidates: Sequence[Candidate], token: int) -> str:
        others = [own for own in candidates if own.token != token][:4]
        return ", ".join(f"{self._shown(own.word)} {brief(math.exp(min(own.log_prob, 0)))}" for own in others)

    def film_strip(self) -> str:
        channel = self._attention
        if self._picture is None or channel is None or channel.axes != ("row", "column"):
            return ""
        figures = "".join(
            f"<figure class='photo'>{pictures.png(pictures.looked_at(self._picture, weights), f'attention at {self.word(step)}')}"
            f"<figcaption>{step + 1}: {self.word(step)}</figcaption></figure>"
            for step, weights in enumerate(self._trace.column(channel.name)[:MOST_MAPS]))
        return f"<h2>Attention, word by word</h2>{figures}"

    def fidelity(self) -> str:
        found = self._analysis.fidelity
        if found is None:
            return self._agreement()
        kind = "good" if found.agrees else "bad"
        rows = "".join(f"<tr><th>{escape(name.replace('_', ' '))}</th><td class='n'>{brief(value)}</td></tr>"
                       for name, value in found.by_channel.items())
        verdict = "agrees with" if found.largest <= found.tolerance else "differs from"
        left_out = ", ".join(map(spoken, found.missing))
        compared = f"not computed a second time: {left_out}" if left_out else "every channel was compared"
        said = (f"What is shown {verdict} a second, independent computation: {found.steps:,} steps, in double precision from the "
                f"stored weights, by {', '.join(found.computed_by)}; {compared}. The largest difference is "
                f"{brief(found.largest)}: {place_in_words(found.channel, found.unit, found.step, self._trace.channels)}.")
        return f"<h2>Fidelity</h2><p class='{kind}'>{escape(said)}</p><table>{rows}</table>"

    def _agreement(self) -> str:
        """Of a recording, how well it agreed with the network while that was there."""
        if not self._trace.provenance.agreements:
            return ""
        agreed = Agreed(self._trace)
        lines = "".join(f"<li>{escape(line)}</li>" for line in agreed.how.splitlines())
        kind, verdict = ("good", "agrees with") if agreed.within else ("bad", "differs from")
        return (f"<h2>Fidelity</h2><p class='{kind}'>What is shown {verdict} what the network returned when it was recorded.</p>"
                f"<ul>{lines}</ul>")

    def attention(self) -> str:
        found = self._analysis.attention
        if found is None or self._attention is None:
            return ""
        entropy = pictures.line(found.entropy, alt="entropy of the attention over the steps, from 0 to 1")
        coverage = self._map(np.array(found.coverage, np.float32), "coverage", two_sided=False)
        warning = f"<p class='warning'>{escape(found.warning)}</p>" if found.warning else ""
        moves = f"{found.change:.0%} of the weight moves from one word to the next. " if math.isfinite(found.change) else ""
        return (f"<h2>Attention over the run</h2>{warning}<figure>{entropy}<figcaption>"
                f"entropy as a share of uniform attention’s, mean {np.nanmean(found.entropy):.2f}</figcaption></figure>"
                f"{coverage}<p>{moves}The doubly stochastic target is "
                f"1 at every place: Σ(1 − Σα)² = {general(found.penalty, 3)}; spread evenly, each would have {brief(found.even)} "
                "on average.</p>")

    def gradients(self) -> str:
        found = self._analysis.gradients
        if found is None or not found.hidden:
            return ""
        titles = (("hidden", "‖∂ log p / ∂h‖"), ("cell", "‖∂ log p / ∂c‖"),
                  ("forget_path", "∂c, through the forget gates"), ("other_paths", "∂c, along all other paths"))
        figures = ""
        for name, title in titles:
            table = np.array(getattr(found, name), np.float32)
            if table.size:
                figures += (f"<figure>{pictures.png(pictures.logarithmic(table), title)}"
                            f"<figcaption>{title}, up to {brief(float(table.max()))}</figcaption></figure>")
        rows = ""
        if found.words and found.last - found.first < MOST_ROWS:
            for t, row in enumerate(found.words):
                step = found.first + t
                attributions = sorted(((value, k) for k, value in enumerate(row[: t + 1])), key=lambda own: -abs(own[0]))[:4]
                texts = ", ".join(f"{self._read_at(found.first + k)} {_plus(value, '.3g')}" for value, k in attributions)
                rows += f"<tr><td class='n'>{step + 1}</td><td>{self.word(step)}</td><td>{texts}</td></tr>"
        listed = (f"<details><summary>What each word depended on: gradient × input</summary><table><tr><th>step</th>"
                  f"<th>word</th><th>by what was read before</th></tr>{rows}</table></details>" if rows else "")
        return ("<h2>Gradients</h2><p class='muted'>Rows are words, columns the steps they depend on; a logarithmic scale, "
                "each map on its own. What reaches c through the forget gates and what comes along all other "
                "paths are vectors that add up to the whole; their norms do not.</p>"
                f"{figures}{listed}")

    def _read_at(self, step: int) -> str:
        if self._analysis.input_kind == "clip":
            return f"frame {step + 1}"
        return self.word(step - 1) if step else self._shown(first_read(self._trace))

    def occlusion(self) -> str:
        found, channel = self._analysis.occlusion, self._attention
        if not found or channel is None:
            return ""
        gradients = self._analysis.gradients
        blocks = []
        for own in found[:MOST_MAPS]:
            weights = self._trace.column(channel.name)[own.step].ravel()
            maps = self._map(weights, "attention", two_sided=False)
            if gradients is not None and own.step >= gradients.first:
                for title, tables in (("gradient × input, through attention", gradients.places),
                                      ("gradient × input, through the initial state", gradients.first_state)):
                    if tables:
                        maps += self._map(np.array(tables[own.step - gradients.first], np.float32), title)
            maps += self._map(np.array(own.drops, np.float32), "drop of log p when masked")
            maps += self._map(np.array(own.margin_drops, np.float32), "drop of the margin when masked")
            numbers = f"log p {signed(own.log_prob, 2)}, margin {signed(own.margin, 2)} over {self._shown(own.runner_up)}"
            blocks.append(f"<h3>{own.step + 1}: {self.word(own.step)} <span class='muted'>{numbers}</span></h3>"
                          f"<p>{escape(own.verdict)}</p>{maps}")
        mean = self._analysis.mean_occlusion_share
        said = (f"<p>Of what masking takes from log p, the most attended tenth of the places has {mean:.0%} on average, over the "
                f"{self._analysis.occlusion_steps:,} of {len(found):,} steps at which a single place mattered.</p>"
                if mean is not None else "<p>At no step did a single place matter enough for a verdict.</p>")
        return (f"<h2>Is the attention an explanation?</h2>{said}<details><summary>step by step</summary>{''.join(blocks)}"
                "</details>")

    def _map(self, values: np.ndarray[tuple[int, ...], np.dtype[np.float32]], title: str, *, two_sided: bool = True) -> str:
        channel = self._attention
        shape = channel.shape if channel is not None else (len(values),)
        top = float(np.nanmax(np.abs(values))) if np.isfinite(values).any() else 0.0
        scale = f"{brief(-top) if two_sided else '0'} … {brief(top)}"
        if len(shape) == 1 and shape[0] == len(self._trace.provenance.source):
            best = np.argsort(-np.abs(np.nan_to_num(values)))[:MOST_PLACES]
            rows = "".join(f"<tr><td>{self._shown(self._trace.provenance.source[place])}</td>"
                           f"<td class='n'>{signed(float(values[place]), 4)}</td></tr>" for place in best)
            return f"<figure><table>{rows}</table><figcaption>{escape(title)}</figcaption></figure>"
        image = pictures.place_map(values, shape, signed=two_sided)
        return (f"<figure>{pictures.png(image, title)}<figcaption>{escape(title)}, {scale}; stretched to this map’s own "
                "largest value</figcaption></figure>")

    def equations(self) -> str:
        found = self._analysis.equations
        if not found:
            return ""
        least = min(range(len(self._trace)), key=lambda step: float(np.nan_to_num(self._trace.log_probs[step], nan=0.0)))
        steps = {own.step for own in found}
        shown_step = least if least in steps else max(steps)
        blocks = "".join(self._explained(own) for own in found if own.step == shown_step or len(steps) == 1)
        return f"<h2>Equations at step {shown_step + 1}, “{self.word(shown_step)}”</h2>{blocks}"

    def _explained(self, own: Explained) -> str:
        rows = "".join(_row(equation) for equation in own.equations)
        attributions = "".join(self._attributions(equation) for equation in own.equations)
        return (f"<h3>unit {own.unit}</h3><table>{rows}</table>"
                f"<details><summary>what contributed most</summary><table>{attributions}</table></details>")

    def _attributions(self, equation: Equation) -> str:
        rows = []
        for part in equation.parts:
            texts = [f"{self._name(own)} {_plus(own.value, '.4f')}" for own in part.contributors]
            if texts:
                rows.append(f"<tr><th>{escape(equation.channel.replace('_', ' '))}</th><td>{_letters(part.symbol)}</td>"
                            f"<td>{escape(', '.join(texts))}</td></tr>")
        return "".join(rows)

    def _name(self, own: Contributor) -> str:
        place = own.name or place_name(own.index, self._attention)
        return {"unit": f"h{own.index}", "word": f"“{own.name}”", "place": place, "frame": "the frame"}[own.kind]

    def gates(self) -> str:
        figures = "".join(
            "<figure>" + pictures.scatter(own.open, own.shut, x_title="fraction of steps above 0.9", y_title="below 0.1",
                                          alt=f"units by how often their {own.channel.replace('_', ' ')} is open and shut")
            + f"<figcaption>{escape(own.channel.replace('_', ' '))}</figcaption></figure>" for own in self._analysis.gates)
        lives = next((own.half_life for own in self._analysis.gates if own.half_life), None)
        if not figures:
            return ""
        longest, steps = "", max((own.steps for own in self._analysis.gates), default=0)
        if lives is not None:
            told = [(life, unit) for unit, life in enumerate(lives) if life is not None]
            texts = ", ".join(f"unit {unit}: {brief(life)}" for life, unit in sorted(told, key=lambda own: -own[0])[:MOST_PLACES])
            unknown = len(lives) - len(told)
            longest = (f"<p>The longest half-lives by the gate alone, in steps (a proxy: what is added and what other units "
                       f"bring back is left out): {texts or 'none'}."
                       + (f" Those of {unknown:,} units are longer than the {steps:,} steps of this run, which cannot tell them."
                          if unknown else "") + "</p>")
        return (f"<h2>Gates</h2><p class='muted'>One dot per unit, over {steps:,} steps (Karpathy et al. 2015).</p>"
                f"{figures}{longest}")

    def similar(self) -> str:
        found = self._analysis.similar
        if found is None or not found.places:
            return ""
        rows = "".join(f"<tr><td class='n'>{own.share:.0%}</td><td class='n'>{own.first + 1}–{own.last + 1}</td>"
                       f"<td>{' '.join(map(self._shown, own.words))}</td></tr>"
                       for own in found.places[:MOST_ROWS])
        units = ", ".join(f"{unit}{' (negative)' if sign < 0 else ''}"
                          for unit, sign in zip(found.units, found.signs, strict=True))
        return (f"<h2>Similar steps</h2><p>Where at least half of the units {units} are on, as at step {found.step + 1} (from "
                f"{general(found.threshold, 3)}): how many of them are, and the steps:</p><table>{rows}</table>")


MOST_CHIPS, MOST_ROWS = 400, 200


def _letters(symbol: str) -> str:
    """``W_xi x_t`` with what is set low set low."""
    return re.sub(r"_(\{[^}]*\}|[^\W_]+)", lambda low: f"<sub>{low[1].strip('{}')}</sub>", escape(symbol.replace("-", MINUS)))


def _row(equation: Equation) -> str:
    symbols, numbers = right_sides(equation, _letters, lambda value: signed(value, 4))
    edited = " <span class='bad'>edited</span>" if equation.edited else ""
    return (f"<tr><td>{_letters(equation.symbol)} = {symbols}</td>"
            f"<td class='n'>{numbers} = {signed(equation.value, 4)}{edited}</td></tr>")


def _plus(value: float, form: str) -> str:
    """A number with its sign, whichever it is."""
    return format(value, f"+{form}").replace("-", MINUS)
