"""The interfaces of a run: small numbers for segments to carry, names for reports."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Interfaces:
    """A growing list of interface names, and the interfaces that cooked captures fold into one."""

    names: list[str] = field(default_factory=list)
    _parts: dict[tuple[int, int, int], int] = field(default_factory=dict)

    # A cooked capture names its interfaces in every packet: hostile bytes could name four billion.
    MAX_PARTS = 4096

    def add(self, name: str) -> int:
        """A new interface; returns its number."""
        self.names.append(name)
        return len(self.names) - 1

    def part(self, whole: int, index: int, direction: int) -> int:
        """The number of one interface and direction inside a capture of several (`any`).

        The same packet that goes in by one and out by the other must not look like a retransmission.
        """
        key = (whole, index, direction)
        number = self._parts.get(key)
        if number is None:
            if len(self._parts) >= self.MAX_PARTS:
                return whole
            number = self._parts[key] = self.add(self.names[whole])
        return number
