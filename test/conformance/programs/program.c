// The ELF program of the wheel `programs`: says what it was given and ends with 7.
#include <stdio.h>

int main(int count, char **args) {
  printf("elf-program\t%s\n", count > 1 ? args[1] : "nothing");
  return 7;
}
