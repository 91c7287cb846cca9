// From the bytes of a request to the bytes of its reply, without knowing where either comes from or goes.
#pragma once
#include "call.hpp"

// Answers the request through `sink`, parks it, or (FORGET and the like) does nothing. `message` is what one
// read of the device gave; nothing in it is trusted.
void serve(Bytes message, Service& service, Worker& worker, const std::shared_ptr<ReplySink>& sink);

// The answers of JavaScript. `error` is 0 or a positive errno; a token that is not waited for is ignored.
void completeView(uint64_t token, int error, Service& service, Worker& worker);
void completeContent(uint64_t token, int error, std::vector<std::byte> bytes, Service& service, Worker& worker);

// The same of forwarded requests: an answer, a LOOKUP of the view's, and the request anew.
void answerForwarded(uint64_t token, int error, Bytes body, Service& service, Worker& worker);
void answerLookup(uint64_t token, uint64_t lowerParent, std::string_view name, Service& service, Worker& worker);
void retryForwarded(uint64_t token, Service& service, Worker& worker);
// As if nothing lay over the view.
void answerFromView(uint64_t token, Service& service, Worker& worker);

// Answers a parked request with an errno.
void answerParked(const Parked& request, int error, Worker& worker);

// Parks and forwards nothing from now on and answers what waits with EIO.
void closeUpcalls(Service& service, Worker& worker);
