#include "athanor/data/html/parser.h"

#include <lexbor/html/interfaces/document.h>
#include <lexbor/html/tree.h>

#include <algorithm>
#include <string_view>

namespace athanor::html {

namespace {

constexpr size_t kChunkBytes = size_t{64} << 10;    // bounds are looked at after each
constexpr size_t kMaxNames = 20000;                 // distinct names of tags, and of attributes
constexpr size_t kMaxAttributes = 64;               // of one element, of those that rules read
constexpr size_t kMaxFormatting = 256;              // open <b>, <i>, ... that each new block repeats
constexpr size_t kTreeBytesPerNode = 256;           // of lexbor's arenas, beside four times the page
constexpr size_t kSpareBytes = size_t{1} << 20;
constexpr size_t kKeepBytes = size_t{4} << 20;      // after a larger page the arenas go back to the system

const lxb_html_document_open_elements_pop_f kNoSteps[LXB_TAG__LAST_ENTRY] = {};

bool is_read(const lxb_html_token_attr_t& attribute) {
  if (attribute.name == nullptr) {
    return false;
  }
  const lexbor_hash_entry_t& entry = attribute.name->entry;
  const std::string_view name(reinterpret_cast<const char*>(lexbor_hash_entry_str(&entry)), entry.length);
  switch (name.size()) {
    case 2: return name == "id";
    case 3: return name == "rel";
    case 4: return name == "href" || name == "lang" || name == "name" || name == "role" || name == "type";
    case 5: return name == "class" || name == "style" || name == "color";
    case 6: return name == "hidden";
    case 7: return name == "content";
    case 8: return name == "itemprop" || name == "property" || name == "datetime" || name == "encoding";
    case 11: return name == "aria-hidden" || name == "data-testid";
    case 14: return name == "data-component";
    default: return false;
  }
}

bool keeps_raw_text(lxb_tag_id_t tag) {
  switch (tag) {
    case LXB_TAG_SCRIPT: case LXB_TAG_STYLE: case LXB_TAG_TITLE: case LXB_TAG_TEXTAREA: case LXB_TAG_NOSCRIPT:
    case LXB_TAG_IFRAME: case LXB_TAG_NOEMBED: case LXB_TAG_NOFRAMES: case LXB_TAG_XMP: case LXB_TAG_PLAINTEXT:
    case LXB_TAG_BR: case LXB_TAG_HR: case LXB_TAG_IMG: case LXB_TAG_INPUT: case LXB_TAG_META: case LXB_TAG_LINK:
      return true;
    default:
      return false;
  }
}

}  // namespace

namespace {

// Bytes that one of lexbor's arenas holds. A text that grows after others were placed behind it is copied to a larger
// place, and its old places stay: with many small additions far more than the page has.
struct Arena {
  const lexbor_mem_chunk_t* seen = nullptr;
  size_t before = 0;  // bytes of the chunks before `seen`

  size_t bytes(const lexbor_mem_t& memory) {
    for (const lexbor_mem_chunk_t* chunk = memory.chunk; chunk != seen && chunk->prev != nullptr; chunk = chunk->prev) {
      before += chunk->prev->size;
    }
    seen = memory.chunk;
    return before + seen->size;
  }
};

}  // namespace

struct Parser::State {
  lxb_html_document_t* document = nullptr;
  lxb_html_parser_t* parser = nullptr;
  size_t max_depth = 0;
  size_t max_bytes = 0;
  size_t dropped = 0;  // start tags too deep, whose end tags are still to come
  size_t nodes = 0;
  size_t max_nodes = 0;
  size_t page_bytes = 0;
  Arena node_arena;
  Arena text_arena;

  bool over() {
    const lxb_dom_document_t& dom = document->dom_document;
    return nodes > max_nodes || node_arena.bytes(*dom.mraw->mem) + text_arena.bytes(*dom.text->mem) > max_bytes ||
           lexbor_dobject_allocated(dom.attrs->entries) > kMaxNames ||
           lexbor_dobject_allocated(dom.tags->entries) > kMaxNames;
  }
  static lxb_html_token_t* on_token(lxb_html_tokenizer_t* tokenizer, lxb_html_token_t* token, void* context);
  bool accept(lxb_html_token_t& token);
};

// False when the token is to be passed over: it is nested too deeply, or ends an element that was.
bool Parser::State::accept(lxb_html_token_t& token) {
  if (token.tag_id < LXB_TAG__BEGIN) {
    return true;
  }
  const lxb_html_tree_t& tree = *parser->tree;
  if ((token.type & LXB_HTML_TOKEN_TYPE_CLOSE) != 0) {
    if (dropped > 0 && !keeps_raw_text(token.tag_id)) {
      --dropped;
      return false;
    }
    return true;
  }
  const bool deep = tree.open_elements->length >= max_depth || tree.active_formatting->length >= kMaxFormatting;
  if (deep && !keeps_raw_text(token.tag_id)) {
    ++dropped;
    return false;
  }
  size_t kept = 0;
  for (lxb_html_token_attr_t* attribute = token.attr_first; attribute != nullptr;) {
    lxb_html_token_attr_t* next = attribute->next;
    if (!is_read(*attribute) || ++kept > kMaxAttributes) {
      lxb_html_token_attr_remove(&token, attribute);
    }
    attribute = next;
  }
  return true;
}

lxb_html_token_t* Parser::State::on_token(lxb_html_tokenizer_t* tokenizer, lxb_html_token_t* token, void* context) {
  State& state = *static_cast<State*>(context);
  ++state.nodes;
  if (state.over()) {
    tokenizer->status = LXB_STATUS_STOPPED;
    return nullptr;
  }
  if (!state.accept(*token)) {
    return token;
  }
  lxb_html_tree_t* tree = state.parser->tree;
  while (!lxb_html_tree_construction_dispatcher(tree, token)) {
  }
  if (tree->status != LXB_STATUS_OK) {
    tokenizer->status = tree->status;
    return nullptr;
  }
  return token;
}

Parser::Parser() : state_(std::make_unique<State>()) {}
Parser::~Parser() { close(); }

bool Parser::open() {
  if (state_->page_bytes > kKeepBytes) {
    close();
  }
  if (state_->document == nullptr) {
    state_->document = lxb_html_document_create();
  }
  lxb_html_document_t* document = state_->document;
  if (document == nullptr) {
    return false;
  }
  lxb_html_document_clean(document);
  // No scripts run here, so neither do the steps that an insertion would set off in a browser.
  lxb_dom_document_mutation_init(&document->dom_document);
  document->open_pop = kNoSteps;
  if (lxb_html_document_parse_chunk_begin(document) != LXB_STATUS_OK) {
    return false;
  }
  state_->parser = static_cast<lxb_html_parser_t*>(document->dom_document.parser);
  lxb_html_tokenizer_callback_token_done_set(state_->parser->tkz, &State::on_token, state_.get());
  return true;
}

void Parser::close() {
  if (state_->document != nullptr) {
    lxb_html_document_destroy(state_->document);
    state_->document = nullptr;
  }
}

lxb_dom_node_t* Parser::parse(std::string_view page, const HtmlOptions& options, std::string& fault) {
  State& state = *state_;
  if (!open()) {
    close();
    fault = "out of memory";
    return nullptr;
  }
  state.max_depth = std::clamp<size_t>(options.max_depth, 16, 4096);
  state.max_nodes = options.max_nodes;
  state.max_bytes = kSpareBytes + 4 * page.size() + options.max_nodes * kTreeBytesPerNode;
  state.node_arena = {};
  state.text_arena = {};
  state.page_bytes = page.size();
  state.dropped = 0;
  state.nodes = 0;
  lxb_status_t status = LXB_STATUS_OK;
  for (size_t at = 0; at < page.size() && status == LXB_STATUS_OK; at += kChunkBytes) {
    const std::string_view chunk = page.substr(at, kChunkBytes);
    status = lxb_html_document_parse_chunk(state.document, reinterpret_cast<const lxb_char_t*>(chunk.data()), chunk.size());
    lexbor_array_obj_clean(state.parser->tkz->parse_errors);
    lexbor_array_obj_clean(state.parser->tree->parse_errors);
    if (status == LXB_STATUS_OK && state.over()) {
      status = LXB_STATUS_STOPPED;
    }
  }
  if (status == LXB_STATUS_OK) {
    status = lxb_html_document_parse_chunk_end(state.document);
  }
  if (status != LXB_STATUS_OK) {
    fault = status == LXB_STATUS_STOPPED ? "too complex" : "out of memory";
    close();
    return nullptr;
  }
  return lxb_dom_interface_node(state.document);
}

}  // namespace athanor::html
