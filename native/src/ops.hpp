// One handler an opcode. The dispatcher has checked lengths and names before.
#pragma once
#include "call.hpp"

namespace ops {

using Handler = Answer (*)(Call&);

// ops-names.cpp
// A node id of 0 makes the kernel remember that the name is not there.
Answer missingName(const Call& call);
Answer lookup(Call& call);
Answer readdir(Call& call);
Answer readdirplus(Call& call);

// ops-nodes.cpp
Answer getattr(Call& call);
Answer readlink(Call& call);
Answer open(Call& call);
Answer opendir(Call& call);
Answer read(Call& call);
Answer lseek(Call& call);
Answer access(Call& call);
Answer getxattr(Call& call);
Answer listxattr(Call& call);

// ops-backing.cpp: READ, WRITE, GETATTR, FALLOCATE and LSEEK of a file of an upper layer, EROFS where it takes none.
Answer onBacking(Call& call, const Backing& backing);
// That a name is not there, if that is so and the folder is all there is; else nothing.
std::optional<Answer> missingIn(Call& call, const Backing& folder);

// ops-session.cpp
Answer init(Call& call);
Answer statfs(Call& call);
Answer interrupt(Call& call);
Answer noReply(Call& call);
Answer forget(Call& call);
Answer batchForget(Call& call);
Answer succeed(Call& call);
Answer notATerminal(Call& call);
Answer readOnly(Call& call);
Answer unsupported(Call& call);

// Stops at a generated file whose attributes have to be made first. `wantsFresh`: a volatile one is made anew.
std::optional<Stop> requireAttributes(Call& call, const Object& object, bool wantsFresh);
// The bytes of a generated file.
Result<GeneratedContents::Handle> requireContent(Call& call, const Object& object);

}  // namespace ops
