// Images: decoded, made square, pixels as bytes; the network scales them by the training images' mean and deviation.
#include "athanor/base/error.h"
#include "athanor/data/images/image.h"
#include "athanor/feature/inputs.h"
#include "athanor/feature/running_statistics.h"

namespace athanor {

namespace {

constexpr uint64_t kImagesForStatistics = 5000;  // the mean of pixels needs no more

class ImageInputs : public Inputs {
 public:
  ImageInputs(const InputOptions& options, const nlohmann::json* learnt) : options_(options) {
    if (options_.channels == 2) {
      throw Error(ErrorKind::kUsage, "must be 1 or 3", "inputs.channels");
    }
    if (learnt != nullptr) {
      mean_ = learnt->at("mean").get<std::vector<double>>();
      deviation_ = learnt->at("deviation").get<std::vector<double>>();
    }
  }

  InputShape shape() const override {
    InputShape shape;
    shape.kind = InputKind::kImage;
    shape.channels = options_.channels;
    shape.size = options_.image_size;
    shape.mean = mean_;
    shape.deviation = deviation_;
    return shape;
  }

  void see(const Document& document) override {
    Image image;
    std::string reason;
    if (seen_ >= kImagesForStatistics || !image_of_meta(document.meta, image, reason)) {
      return;
    }
    options_.image_size = options_.image_size > 0 ? options_.image_size : std::max(image.width, image.height);
    options_.channels = options_.channels > 0 ? options_.channels : image.channels;
    image = fitted(image);
    statistics_.resize(static_cast<size_t>(options_.channels));
    for (size_t i = 0; i < image.pixels.size(); ++i) {
      statistics_[i % statistics_.size()].add(image.pixels[i] / 255.0);
    }
    ++seen_;
  }

  void finish() override {
    if (seen_ == 0) {
      throw Error(ErrorKind::kInput, "no training document holds an image that can be read", "",
                  "collect images: a folder, a .tar or .zip of .png and .jpg files, or an idx file");
    }
    for (const auto& channel : statistics_) {
      mean_.push_back(channel.mean);
      deviation_.push_back(channel.deviation());
    }
  }

  bool add(const Document& document, Examples& out, std::string& reason) const override {
    Image image;
    if (!image_of_meta(document.meta, image, reason)) {
      return false;
    }
    image = fitted(image);
    const auto channels = static_cast<size_t>(image.channels);
    const size_t plane = image.pixels.size() / channels;
    const size_t begin = out.pixels.size();
    out.pixels.resize(begin + image.pixels.size());
    for (size_t i = 0; i < plane; ++i) {
      for (size_t c = 0; c < channels; ++c) {
        out.pixels[begin + c * plane + i] = image.pixels[i * channels + c];
      }
    }
    ++out.count;
    return true;
  }

  nlohmann::json to_json() const override {
    return {{"kind", "image"}, {"options", dump_options(options_, true)}, {"mean", mean_}, {"deviation", deviation_}};
  }

 private:
  Image fitted(const Image& image) const {
    return resized(with_channels(image, options_.channels), options_.image_size, options_.image_size);
  }

  InputOptions options_;
  std::vector<double> mean_;
  std::vector<double> deviation_;
  std::vector<RunningStatistics> statistics_;
  uint64_t seen_ = 0;
};

}  // namespace

std::unique_ptr<Inputs> make_image_inputs(const InputOptions& options, const nlohmann::json* learnt) {
  return std::make_unique<ImageInputs>(options, learnt);
}

}  // namespace athanor
