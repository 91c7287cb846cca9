#include "service.hpp"

void Service::dropImage(uint32_t serial) {
  publisher.dropImage(serial);
  descriptors.drop(serial);
}

void Service::publishView(Bytes blob) {
  const auto before = publisher.current();
  if (const View* old = before->view(publisher.publishView(blob))) contents.dropView(old->identity());
}

void Service::dropView(uint32_t environment) {
  const auto before = publisher.current();
  publisher.dropView(environment);
  if (const View* old = before->view(environment)) contents.dropView(old->identity());
}
