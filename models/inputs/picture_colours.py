"""A decoded picture as RGB with eight bits a channel: its profile, its gamma, its depth, and white where it is clear."""

import io
from contextlib import suppress

import numpy as np
from PIL import Image, ImageCms

from unrolled.models.inputs.film_colours import colour_codes, is_usual
from unrolled.models.inputs.samples import shallow

USUAL_GAMMA = 1 / 2.2  # of files, as screens undo it
BITS, PHOTOMETRIC = 258, 262  # tags of a TIFF


def colours_of(image: Image.Image, data: bytes) -> tuple[int, int]:
    """A picture's primaries and curve where they are not its profile's; a PNG's stand above its profile, which is forgotten."""
    codes = colour_codes(data)
    if is_usual(*codes) or ("icc_profile" in image.info and image.format != "PNG"):
        return 0, 0
    image.info = {key: value for key, value in image.info.items() if key not in ("gamma", "icc_profile")}
    return codes


def as_rgb(image: Image.Image, notes: list[str], name: str, *, times_smaller: int = 1) -> Image.Image:
    """A decoded picture as RGB, smaller by a whole number where that is asked for; what was stretched is noted."""
    if image.mode.startswith("I") or image.mode == "F":
        image, times_smaller = _from_deep(image, notes, name, times_smaller), 1
    elif image.mode in ("P", "PA", "1") or (image.has_transparency_data and image.mode not in ("RGBA", "LA")):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    if times_smaller > 1:
        image = image.reduce(times_smaller)
    image = _in_srgb(image)
    if image.mode in ("RGBA", "LA", "La", "RGBa"):
        over = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", over.size, "white"), over).convert("RGB")
    return image.convert("RGB")


def _in_srgb(image: Image.Image) -> Image.Image:
    """The colours that a picture's profile means; a profile that is broken is as good as none."""
    profile = image.info.get("icc_profile")
    if image.mode == "LAB":
        return ImageCms.profileToProfile(image, ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"),
                                         outputMode="RGB") or image
    if not profile and "srgb" not in image.info:
        return _with_gamma(image)
    if not profile or image.mode not in ("RGB", "RGBA", "CMYK", "L", "LA") or b"sRGB" in profile[:4096]:
        return image
    with suppress(Exception):
        source, grey = ImageCms.ImageCmsProfile(io.BytesIO(profile)), image.getchannel("L") if image.mode == "LA" else None
        shown = ImageCms.profileToProfile(grey or image, source, ImageCms.createProfile("sRGB"),
                                          outputMode="RGBA" if image.mode == "RGBA" else "RGB") or image
        if grey is not None:
            shown.putalpha(image.getchannel("A"))
        return shown
    return image


def _with_gamma(image: Image.Image) -> Image.Image:
    """The colours that a PNG's gamma means; what a screen has by itself, or what would leave nothing to see, changes nothing."""
    exponent = 1 / (float(image.info.get("gamma", 0) or USUAL_GAMMA) / USUAL_GAMMA)
    if abs(exponent - 1) < 0.05 or not 0.1 < exponent < 10 or image.mode not in ("L", "LA", "RGB", "RGBA"):
        return image
    table = [round(255 * (value / 255) ** exponent) for value in range(256)]
    of_alpha = list(range(256)) if image.mode in ("LA", "RGBA") else []
    return image.point(table * (len(image.getbands()) - bool(of_alpha)) + of_alpha)


def _from_deep(image: Image.Image, notes: list[str], name: str, times_smaller: int) -> Image.Image:
    """More than eight bits to eight, clear where they are said to be."""
    values, tags = np.asarray(image)[::times_smaller, ::times_smaller], getattr(image, "tag_v2", {})
    bits = tags.get(BITS, (16,))[0] if image.mode.startswith("I;16") else 16
    clear = image.info.get("transparency")
    over = np.where(values == clear, 0, 255).astype(np.uint8) if isinstance(clear, int) else None
    if image.mode.startswith("I;16") and tags.get(PHOTOMETRIC) == 0:
        values = 65535 - values  # 0 is white
    eight = Image.fromarray(shallow(values, 1.0 if image.mode == "F" else 2.0**bits - 1, notes, name))
    if over is not None:
        eight.putalpha(Image.fromarray(over))
    eight.info = {name: image.info[name] for name in ("gamma", "srgb", "icc_profile") if name in image.info}
    return eight
