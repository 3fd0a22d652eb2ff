#include "athanor/stage/command.h"

#include <array>
#include <cstring>

#include "athanor/base/format_width.h"
#include "athanor/base/interrupt.h"
#include "athanor/base/nearest.h"
#include "athanor/base/text.h"
#include "athanor/base/unicode.h"
#include "athanor/base/version.h"
#include "athanor/stage/verbs.h"

namespace athanor {

namespace {

constexpr std::array<Command, 16> kCommands{{
    {"run", "run RECIPE.yaml [key=value ...]", "do what the recipe says; done steps are skipped", &command_run},
    {"merge", "merge RECIPE.yaml [key=value ...]", "put together what runs with shard=i/n made", &command_merge},
    {"check", "check RECIPE.yaml [key=value ...]", "types, keys and inputs, without computing", &command_check},
    {"plan", "plan RECIPE.yaml [key=value ...]", "what would run, with sizes, memory and time", &command_plan},
    {"explain", "explain [VERB | COMMAND | KEY]", "what it does and every key it takes", &command_explain},
    {"ls", "ls [verb=V] [status=S]", "the runs, newest last", &command_ls},
    {"show", "show RUN", "one run: status, inputs, figures, rejected rows", &command_show},
    {"log", "log RUN [follow=true]", "the events of a run", &command_log},
    {"diff", "diff RUN RUN", "how two runs differ: recipe, inputs, results", &command_diff},
    {"lineage", "lineage RUN", "where a run came from, back to the raw files", &command_lineage},
    {"why", "why DOCUMENT [run=RUN]", "one document's whole story: scores, reasons, fate", &command_why},
    {"tag", "tag NAME RUN [stage=S]", "name a run; `tag NAME` removes, `tag` lists", &command_tag},
    {"gc", "gc [apply=true] [days=N]", "runs that nothing needs any more", &command_gc},
    {"tokens", "tokens TOKENIZER [text=T | ids=N,N | to=F]", "what a tokenizer is and does; writes other formats",
     &command_tokens},
    {"chat", "chat MODEL [key=value ...]", "talk to a model in the terminal", &command_chat, &chat_schema},
    {"doctor", "doctor [RECIPE.yaml | RUN] [key=value ...]", "what this machine has and a recipe needs; what ails a finished run",
     &command_doctor},
}};

std::string help_text() {
  std::string text = "Athanor " + std::string(kVersion) + ": one program for the whole life of a model.\n\nCommands\n";
  const auto row = [&](const std::string& name, const std::string& summary) {
    text += "  " + padded(name, 38) + summary + "\n";
  };
  for (const auto& command : kCommands) {
    row(command.usage, command.summary);
  }
  text += "\nVerbs (athanor VERB key=value ..., or as steps of a recipe)\n";
  for (const auto& verb : verbs()) {
    row(verb.name, verb.summary);
  }
  text +=
      "\nEverywhere: --json for machines, --force for a new attempt, runs=FOLDER for where runs stand (default runs)."
      "\nStart with: athanor run recipes/quickstart.yaml\n";
  return text;
}

// Names, texts and paths go into JSON and YAML, which are UTF-8.
void refuse_invalid(const std::string& word) {
  if (!is_valid_utf8(word)) {
    const std::string shown = valid_utf8(word.substr(0, word.find('=')));
    throw Error(ErrorKind::kUsage, "the argument '" + cut_to_width(shown, 40) + "' is not valid UTF-8, from byte " +
                                       std::to_string(find_invalid_utf8(word)) + " on", "",
                "write it in a terminal set to UTF-8; a file's name in another encoding wants renaming");
  }
}

Arguments parse_arguments(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    refuse_invalid(word);
    if (word == "--force") {
      arguments.force = true;
    } else if (word == "--json") {
      arguments.json = true;
    } else if (word == "--help" || word == "-h") {
      arguments.help = true;
    } else if (word == "--version") {
      arguments.command = word;
    } else if (word.size() > 1 && word[0] == '-') {
      throw Error(ErrorKind::kUsage, "there is no switch '" + word + "'", "",
                  "the switches are --force, --json and --help; everything else is key=value");
    } else if (const size_t at = word.find('='); at != std::string::npos && at > 0) {
      arguments.overrides.push_back({word.substr(0, at), word.substr(at + 1)});
    } else if (arguments.command.empty()) {
      arguments.command = word;
    } else {
      arguments.positional.push_back(word);
    }
  }
  return arguments;
}

std::string command_help(const Command& command) {
  return std::string("athanor ") + command.usage + "\n  " + command.summary + "\n";
}

int dispatch(Arguments& arguments) {
  const Command* command = find_command(arguments.command);
  const Verb* verb = find_verb(arguments.command);
  if (arguments.command == "--version") {
    std::printf("athanor %s (%s)\n", kVersion, kCommit);
    return 0;
  }
  if (arguments.command.empty() || arguments.command == "help") {
    std::fputs(help_text().c_str(), stdout);
    return arguments.command.empty() && !arguments.help ? 2 : 0;
  }
  if (arguments.help && command != nullptr) {
    std::fputs(command_help(*command).c_str(), stdout);
    return 0;
  }
  if (command == nullptr && verb == nullptr) {
    std::vector<std::string> names = verb_names();
    for (const auto& known : kCommands) {
      names.push_back(known.name);
    }
    throw Error(ErrorKind::kUsage, "there is no command or verb '" + arguments.command + "'", "",
                did_you_mean(arguments.command, names));
  }
  const fs::path root = arguments.take("runs", "runs");
  RunStore store(root);
  DigestCache digests(store.cache_dir() / "digests.jsonl");
  Progress progress(stderr, is_terminal(stderr));
  Session session{arguments, store, digests, progress};
  if (command != nullptr) {
    return command->run(session);
  }
  if (arguments.help) {
    arguments.positional = {verb->name};
    return command_explain(session);
  }
  return command_run(session);
}

void print_error(const Error& error, bool json) {
  if (json) {
    const nlohmann::json value{{"error",
                                {{"kind", name_of(error.kind())},
                                 {"what", error.message()},
                                 {"where", error.where()},
                                 {"hint", error.hint()}}}};
    std::printf("%s\n", value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
  }
  std::fprintf(stderr, "%s: %s%s%s\n", error.kind() == ErrorKind::kInterrupted ? "stopped" : "error",
               error.where().c_str(), error.where().empty() ? "" : ": ", error.message().c_str());
  if (!error.hint().empty()) {
    std::fprintf(stderr, "  %s\n", error.hint().c_str());
  }
}

}  // namespace

std::span<const Command> commands() { return kCommands; }

const Command* find_command(std::string_view name) {
  for (const auto& command : kCommands) {
    if (name == command.name) {
      return &command;
    }
  }
  return nullptr;
}

std::string padded(std::string text, size_t width) {
  const auto used = static_cast<size_t>(display_width(text));
  return text.append(width > used ? width - used : 1, ' ');
}

std::string Arguments::take(const std::string& key, const std::string& fallback) {
  std::string value = fallback;
  std::erase_if(overrides, [&](const Override& given) {
    if (given.key == key) {
      value = given.value;
      return true;
    }
    return false;
  });
  return value;
}

void Session::print(const std::string& text) const {
  if (!arguments.json) {
    std::fputs(text.c_str(), stdout);
    std::fputc('\n', stdout);
    std::fflush(stdout);
  }
}

void Session::print_json(const nlohmann::json& value) const {
  if (arguments.json) {
    std::printf("%s\n", value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
  }
}

int run_command_line(int argc, char** argv) {
  catch_interrupts();
  bool json = false;
  try {
    Arguments arguments = parse_arguments(argc, argv);
    json = arguments.json;
    return dispatch(arguments);
  } catch (...) {
    const Error error = readable_error();
    print_error(error, json);
    return error.exit_code();
  }
}

}  // namespace athanor
