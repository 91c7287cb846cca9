// One request on its way through a handler.
#pragma once
#include "service.hpp"

// A request that comes back after an upcall was answered.
struct Resumed {
  Missing missing;
  GeneratedContents::Handle content;  // null for a view
};

struct Call {
  wire::InHeader header;
  Bytes body;             // as long as the opcode table demands
  std::string_view name;  // of opcodes that carry one
  Service& service;
  Worker& worker;
  const std::shared_ptr<ReplySink>& sink;
  uint64_t startNs;
  const World& world;
  const Resumed* resumed = nullptr;
  Course course{};
  uint64_t viewIdentity = 0;  // of the view whose content turned out to be missing

  // What the node id stands for.
  uint64_t inode() const { return header.nodeid == inode::mountRoot ? world.rootInode() : header.nodeid; }
  // Something may lie over a view.
  bool mayHaveUpper() const { return service.isWritable || world.hasOwn; }
  Tree tree() const { return Tree(world); }
  std::span<std::byte> scratch() const { return worker.reply.span(); }

  template <class Value>
  Answer reply(const Value& value) const {
    store(scratch(), 0, value);
    return Answer::reply(scratch().first(sizeof value));
  }

  // The content that this request waited for, or null.
  GeneratedContents::Handle resumedContent(uint64_t inode) const {
    return resumed && resumed->missing == Missing::content(inode) ? resumed->content : nullptr;
  }
};
