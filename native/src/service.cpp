#include "service.hpp"

void Service::renewImage(ImageSource source, Bytes metadata) {
  const uint32_t serial = source.serial;
  const uint32_t base = source.baseSerial;
  publisher.renewImage(std::move(source), metadata);
  images.drop(serial);
  images.drop(base);
}

void Service::dropImage(uint32_t serial) {
  publisher.dropImage(serial);
  images.drop(serial);
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
