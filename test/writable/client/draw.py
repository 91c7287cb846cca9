"""What is drawn at random in one step: it follows from the seed and the step's number alone."""
import random


class Draw:
    def __init__(self):
        self.random = random.Random(0)

    def begin(self, seed, step):
        self.random = random.Random("%s/%s" % (seed, step))

    def number(self, below):
        return int(self.random.random() * below)

    def chance(self, share):
        return self.random.random() < share

    def of(self, items):
        return items[self.number(len(items))]

    def weighted(self, pairs):
        at = self.random.random() * sum(weight for _, weight in pairs)
        for item, weight in pairs:
            at -= weight
            if at < 0:
                return item
        return pairs[-1][0]

    def size(self):
        return self.of([0, 1, 10, 100, 511, 4095, 4096, 4097, 10000, 65536, 131072, 131073, 300000])

    def data(self, size=None):
        wanted = self.size() if size is None else size
        pattern = b"%08d." % self.number(10**8)
        return (pattern * (wanted // len(pattern) + 1))[:wanted]
