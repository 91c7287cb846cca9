// The parts of the wire test that are code, not fixtures. Each counts what it checked and reports on stdout.
#pragma once
#include <string>

struct Tally {
  int passed = 0, failed = 0;
  // `problem` is empty for a pass.
  void add(const std::string& name, const std::string& problem);
};

void testDigests(Tally& tally);
void testContents(Tally& tally);
// Each rule has one damaged image, or view, that is refused with that rule's message.
void testRefusedImages(Tally& tally);
void testRefusedViews(Tally& tally);
// The tables of upper layers, and four threads that ask while they change.
void testUpper(Tally& tally);
// Eight threads ask while views are swapped; for the thread sanitizer.
void stress(Tally& tally, int seconds);

// Inputs from which the fuzzers start, in folders messages, images and views.
void writeSeeds(const std::string& folder);
