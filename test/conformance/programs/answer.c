// The shared library of the wheel `programs`.
static const int table[] = {40, 41, 42};

int answer(int index) { return table[index]; }
