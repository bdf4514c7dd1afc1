"""What a GPU can compute at most: dense bfloat16 with tensor cores, 32-bit accumulation, in TFLOP/s."""

PEAKS = (
    # The first name that stands in the device's name counts. From NVIDIA's data sheets and architecture papers; where
    # a sheet gives the figure with 2:4 sparsity alone, half of it.
    ("H100 NVL", 835.0, "H100 data sheet, 1,671 with sparsity"),
    ("H100 PCIe", 756.0, "H100 data sheet, 1,513 with sparsity"),
    ("H100", 989.0, "H100 SXM data sheet, 1,979 with sparsity"),
    ("H800 PCIe", 756.0, "as H100 PCIe: its links and 64-bit units alone are slower"),
    ("H800", 989.0, "as H100 SXM, likewise"),
    ("H200 NVL", 835.0, "H200 data sheet, 1,671 with sparsity"),
    ("H200", 989.0, "H200 data sheet, 1,979 with sparsity"),
    ("H20", 148.0, "H20 data sheet"),
    ("A100", 312.0, "A100 data sheet"),
    ("A800", 312.0, "as A100: its links alone are slower"),
    ("A30", 165.0, "A30 data sheet"),
    ("A40", 149.7, "A40 data sheet"),
    ("A10", 125.0, "A10 data sheet; a 300 W A10G has less"),
    ("RTX A6000", 154.8, "GA102 architecture paper"),
    ("RTX 3090", 71.0, "GA102 architecture paper"),
    ("L40S", 362.0, "L40S data sheet, 733 with sparsity"),
    ("L20", 119.5, "L20 data sheet"),
    ("L4", 121.0, "L4 data sheet, 242 with sparsity"),
    ("RTX 4090", 165.2, "Ada architecture paper"),
    ("B200", 2250.0, "B200 data sheet, 4,500 with sparsity"),
)


def peak(name: str) -> tuple[float, str] | None:
    """Operations a second of a device by its name, and the source; None where it is not known."""
    words = f" {name} ".replace("-", " ")
    return next(((value * 1e12, source) for part, value, source in PEAKS if f" {part} " in words), None)
