// What Node cannot ask of a file system. A command prints one answer a line, `question<TAB>answer`, so that
// the answers of two trees can be compared; a rule that does not hold is a line that starts with `BROKEN`.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// A command gets the arguments after its name, ended by NULL.
typedef void Command(char **args);

Command list, resume, seek, walk, takeHandles, openHandles, readBoundaries, mapPages, seekData;
Command statFileSystem, lookUp, checkAccess, extendedStat, resolveBeneath, attributes, attemptWrites;
Command terminal, lock, notify, execute, burst;

// `OK` for a result of 0 or more, else the name of errno.
void answer(const char *question, long result);
void answerText(const char *question, const char *format, ...) __attribute__((format(printf, 2, 3)));
void broken(const char *format, ...) __attribute__((format(printf, 1, 2)));
// The client itself cannot go on: exit status 1.
void die(const char *what) __attribute__((noreturn));

const char *errnoName(int number);

// FNV-1a, 64 bits.
#define HASH_START 0xcbf29ce484222325u
uint64_t hashBytes(uint64_t hash, const void *data, size_t bytes);
uint64_t hashFile(int file);

// Opens for reading or dies.
int openOrDie(const char *path, int flags);
// The whole file, to be freed by the caller.
unsigned char *readWhole(int file, size_t *bytes);
