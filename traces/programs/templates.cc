// Templates of the standard library, instantiated: for a compiler to chew on.
#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <regex>
#include <set>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

template <int N> struct Record {
  std::string name;
  std::vector<std::pair<int, std::string>> values;
  std::map<std::string, std::unique_ptr<Record<N - 1>>> children;
  bool operator<(const Record &other) const { return name < other.name; }
};
template <> struct Record<0> { int leaf; };

int main(int count, char **arguments) {
  std::map<std::string, std::vector<std::variant<int, double, std::string>>> table;
  std::unordered_map<std::string, std::set<int>> index;
  Record<12> record;
  for (int i = 0; i < count; i++) {
    table[arguments[i]].push_back(std::string(arguments[i]));
    index[arguments[i]].insert(i);
    record.values.emplace_back(i, arguments[i]);
  }
  std::sort(record.values.begin(), record.values.end());
  std::regex pattern("([a-z]+)-([0-9]+)");
  std::function<int(const std::string &)> match = [&](const std::string &text) {
    std::smatch found;
    return std::regex_match(text, found, pattern) ? static_cast<int>(found.size()) : 0;
  };
  return match(record.values.empty() ? "" : record.values[0].second);
}
