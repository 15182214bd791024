// Many tiny objects behind the C++ containers: linked strings and a map from string to string; a table of vectors.
#include <deque>
#include <list>
#include <map>
#include <string>
#include <unordered_map>

#include "workloads.hpp"

namespace work {
namespace {

std::string word(Random& random, std::size_t longest) {
    std::string text(1 + random.below(longest), 'a');
    for (char& letter : text) letter = char('a' + random.next() % 26);
    return text;
}

std::uint64_t hash(const std::string& text) {
    std::uint64_t value = text.size();
    for (char letter : text) value = value * 131 + std::uint64_t(letter);
    return value;
}

Result words(std::uint64_t operations, unsigned thread) {
    Random random(10'000 + thread);
    std::map<std::string, std::string> dictionary;
    std::list<std::string> recent;
    Result result{operations, 0, 0};
    for (std::uint64_t i = 0; i < operations; i++) {
        std::string key = word(random, 40);
        dictionary[key] = word(random, 120);
        recent.push_back(key + "=" + dictionary[key]);
        if (recent.size() > 10'000) {
            result.checksum += hash(recent.front());
            recent.pop_front();
        }
        if (dictionary.size() > 20'000) {
            auto at = dictionary.lower_bound(word(random, 3));
            dictionary.erase(at == dictionary.end() ? dictionary.begin() : at);
        }
    }
    for (const auto& [key, value] : dictionary) result.checksum += hash(key) ^ hash(value);
    return result;
}

Result tables(std::uint64_t operations, unsigned thread) {
    Random random(11'000 + thread);
    std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> table;
    std::deque<std::vector<std::uint32_t>> queue;
    Result result{operations, 0, 0};
    for (std::uint64_t i = 0; i < operations; i++) {
        const std::uint64_t key = random.below(30'000);
        auto& list = table[key];
        list.push_back(std::uint32_t(i));
        if (list.size() > 40) {
            queue.push_back(std::move(list));
            table.erase(key);
        }
        if (queue.size() > 1'000) {
            for (std::uint32_t value : queue.front()) result.checksum += value;
            queue.pop_front();
        }
    }
    for (const auto& [key, list] : table) result.checksum += key * list.size();
    return result;
}

}  // namespace

Result strings(const Settings& settings) {
    return parallel(settings.threads, [&](unsigned i) { return words(settings.share(400'000), i); });
}
Result containers(const Settings& settings) {
    return parallel(settings.threads, [&](unsigned i) { return tables(settings.share(6'000'000), i); });
}

}  // namespace work
