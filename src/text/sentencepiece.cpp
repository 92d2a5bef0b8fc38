// Reads a SentencePiece tokenizer.model: protobuf's wire format (protobuf.dev/programming-guides/encoding) by
// hand, the fields of ModelProto that decide how a text is cut.
#include <algorithm>
#include <cstring>
#include <unordered_set>

#include "base/check.h"
#include "base/utf8.h"
#include "text/charsmap.h"
#include "text/tokenizer_spec.h"

namespace cohort {
namespace {

// A message's fields, one after another. Every length is checked against what remains.
class Fields {
 public:
  Fields(std::string_view bytes, const std::string& where, size_t base)
      : bytes_(bytes), where_(where), base_(base) {}

  uint32_t number = 0;
  uint64_t value = 0;      // of a number
  std::string_view bytes;  // of a string or message
  size_t place() const { return base_ + at_; }

  bool next() {
    if (at_ == bytes_.size()) return false;
    const uint64_t key = varint();
    type_ = static_cast<uint32_t>(key & 7);
    if (key >> 3 == 0 || key >> 3 > 0x1FFFFFFF) wrong("a field's number");
    number = static_cast<uint32_t>(key >> 3);
    switch (type_) {
      case 0:
        value = varint();
        break;
      case 1:
        value = fixed(8);
        break;
      case 2: {
        const uint64_t size = varint();
        if (size > bytes_.size() - at_)
          wrong(fmt::format("a field of {} bytes, which is more than the {} that are left", size,
                            bytes_.size() - at_));
        start_ = at_;
        bytes = bytes_.substr(at_, size);
        at_ += size;
        break;
      }
      case 5:
        value = fixed(4);
        break;
      default:
        wrong(fmt::format("wire type {}", type_));
    }
    return true;
  }

  // The field's value, of the type that it must have.
  std::string_view text(const char* name) const {
    expect(2, name, "a string or message");
    return bytes;
  }
  Fields message(const char* name) const { return Fields(text(name), where_, base_ + start_); }
  uint64_t integer(const char* name) const {
    expect(0, name, "an integer");
    return value;
  }
  float number32(const char* name) const {
    expect(5, name, "a float");
    const auto bits = static_cast<uint32_t>(value);
    float out;
    std::memcpy(&out, &bits, 4);
    return out;
  }

 private:
  [[noreturn]] void wrong(const std::string& found) const {
    fail("{}: byte {}: expected a field of a SentencePiece model, found {}", where_, place(), found);
  }
  void expect(uint32_t type, const char* name, const char* what) const {
    if (type_ != type)
      fail("{}: byte {}: {}: expected {}, found wire type {}", where_, place(), name, what, type_);
  }
  uint64_t varint() {
    uint64_t out = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (at_ == bytes_.size()) wrong("the end inside a number");
      const auto byte = static_cast<uint8_t>(bytes_[at_++]);
      out |= uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return out;
    }
    wrong("a number of more than 10 bytes");
  }
  uint64_t fixed(size_t size) {
    if (bytes_.size() - at_ < size) wrong("the end inside a number");
    uint64_t out = 0;
    for (size_t i = 0; i < size; ++i) out |= uint64_t{static_cast<uint8_t>(bytes_[at_ + i])} << 8 * i;
    at_ += size;
    return out;
  }

  std::string_view bytes_;
  const std::string& where_;
  size_t base_, at_ = 0, start_ = 0;
  uint32_t type_ = 0;
};

struct Piece {
  std::string text;
  float score = 0;
  uint64_t type = kPieceNormal;
};

struct Model {
  std::vector<Piece> pieces;
  uint64_t type = 1;  // unigram
  bool byte_fallback = false, suffix = false;
  int64_t bos = 1, eos = 2, pad = -1;
  NormalizerStep normalizer;
};

Piece read_piece(Fields fields, size_t index, const std::string& where) {
  Piece piece;
  while (fields.next()) {
    if (fields.number == 1) piece.text = fields.text("piece");
    if (fields.number == 2) piece.score = fields.number32("score");
    if (fields.number == 3) piece.type = fields.integer("type");
  }
  if (piece.text.empty() || !is_valid_utf8(piece.text)) {
    fail("{}: pieces[{}]: expected a text in UTF-8, found {}", where, index,
         piece.text.empty() ? "none" : "other bytes");
  }
  if (piece.type < kPieceNormal || piece.type > kPieceByte)
    fail("{}: pieces[{}]: expected a type from 1 to 6, found {}", where, index, piece.type);
  if (!(piece.score > -1e30f && piece.score < 1e30f))
    fail("{}: pieces[{}]: the score {} is no number to add", where, index, piece.score);
  return piece;
}

void read_trainer(Fields fields, Model& model) {
  const auto id = [&](const char* name) {
    return static_cast<int64_t>(static_cast<int32_t>(fields.integer(name)));
  };
  while (fields.next()) {
    if (fields.number == 3) model.type = fields.integer("model_type");
    if (fields.number == 24) model.suffix = fields.integer("treat_whitespace_as_suffix") != 0;
    if (fields.number == 35) model.byte_fallback = fields.integer("byte_fallback") != 0;
    if (fields.number == 41) model.bos = id("bos_id");
    if (fields.number == 42) model.eos = id("eos_id");
    if (fields.number == 43) model.pad = id("pad_id");
  }
}

void read_normalizer(Fields fields, NormalizerStep& step, const std::string& where) {
  while (fields.next()) {
    if (fields.number == 2) step.content = fields.text("precompiled_charsmap");
    if (fields.number == 3) step.add_dummy_prefix = fields.integer("add_dummy_prefix") != 0;
    if (fields.number == 4) step.remove_extra_whitespaces = fields.integer("remove_extra_whitespaces") != 0;
    if (fields.number == 5) step.escape_whitespaces = fields.integer("escape_whitespaces") != 0;
  }
  Charsmap(step.content, where + ": precompiled_charsmap");
}

Model read_model(std::string_view bytes, const std::string& where) {
  Model model;
  model.normalizer.kind = NormalizerStep::Kind::sentencepiece;
  Fields fields(bytes, where, 0);
  while (fields.next()) {
    if (fields.number == 1)
      model.pieces.push_back(read_piece(fields.message("pieces"), model.pieces.size(), where));
    if (fields.number == 2) read_trainer(fields.message("trainer_spec"), model);
    if (fields.number == 3) read_normalizer(fields.message("normalizer_spec"), model.normalizer, where);
  }
  if (model.pieces.empty()) fail("{}: expected a SentencePiece model, found one without pieces", where);
  if (model.type != 1 && model.type != 2) {
    fail("{}: trainer_spec.model_type {} is not supported (supported: 1, unigram, and 2, BPE)", where,
         model.type);
  }
  model.normalizer.whitespace_as_suffix = model.suffix;
  return model;
}

}  // namespace

TokenizerSpec parse_sentencepiece(std::string_view bytes, const std::string& where) {
  Model model = read_model(bytes, where);
  const bool unigram = model.type == 1;
  TokenizerSpec spec;
  spec.model = unigram ? TokenizerSpec::Model::unigram : TokenizerSpec::Model::bpe;
  spec.byte_fallback = model.byte_fallback;
  spec.fuse_unk = true;
  spec.single_precision = true;
  std::vector<float> scores;
  std::vector<char> mergeable;
  std::unordered_set<std::string_view> seen;
  int byte_tokens = 0;
  for (size_t i = 0; i < model.pieces.size(); ++i) {
    const Piece& piece = model.pieces[i];
    const auto id = static_cast<int32_t>(i);
    if (!seen.insert(piece.text).second) fail("{}: pieces[{}]: \"{}\" occurs twice", where, i, piece.text);
    spec.vocab.push_back(piece.text);
    scores.push_back(piece.score);
    mergeable.push_back(piece.type == kPieceNormal || piece.type == kPieceUnused);
    byte_tokens += piece.type == kPieceByte;
    if (piece.type == kPieceUnknown) {
      if (!spec.unk_token.empty())
        fail("{}: pieces[{}]: \"{}\" is a second unknown token beside \"{}\"", where, i, piece.text,
             spec.unk_token);
      spec.unk_token = piece.text;
    }
    if (piece.type == kPieceUserDefined) {
      spec.whole.push_back(id);
      model.normalizer.kept.push_back(piece.text);
    }
    if (piece.type == kPieceUnused) spec.unused.push_back(id);
    if (piece.type != kPieceNormal && piece.type != kPieceUserDefined) spec.absent.push_back(id);
    if (piece.type == kPieceControl) {
      AddedToken token;
      token.id = id;
      token.content = piece.text;
      token.special = true;
      spec.added.push_back(std::move(token));
    }
  }
  if (spec.unk_token.empty()) fail("{}: no piece is the unknown token", where);
  if (model.byte_fallback && byte_tokens != 256)
    fail("{}: expected 256 byte pieces, as byte_fallback is set, found {}", where, byte_tokens);
  spec.scores.assign(scores.begin(), scores.end());
  if (!unigram) set_scored_merges(spec, scores, mergeable);
  const bool strip = model.normalizer.add_dummy_prefix && !model.suffix;
  spec.normalizers.push_back(std::move(model.normalizer));
  spec.decoders = sentencepiece_decoders(strip);
  const auto name = [&](int64_t id) {
    const bool control = id >= 0 && id < static_cast<int64_t>(spec.vocab.size()) &&
                         model.pieces[static_cast<size_t>(id)].type == kPieceControl;
    return control ? spec.vocab[static_cast<size_t>(id)] : "";
  };
  spec.bos_token = name(model.bos);
  spec.eos_token = name(model.eos);
  spec.pad_token = name(model.pad);
  return spec;
}

}  // namespace cohort
