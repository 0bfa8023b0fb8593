// Counts words with dictionaries, arrays and classes: words FILE
import Foundation

final class Entry {
  var count = 0
  var lines: [Int] = []
  var next: Entry?
}

let text = try String(contentsOfFile: CommandLine.arguments[1], encoding: .utf8)
var entries: [String: Entry] = [:]
var chain: Entry?
for (number, line) in text.split(separator: "\n").enumerated() {
  for word in line.split(separator: " ") {
    let key = word.uppercased()
    let entry = entries[key] ?? Entry()
    entry.count += 1
    entry.lines.append(number)
    if entry.lines.count > 40 { entry.lines.removeFirst(20) }
    if entry.count == 1 {
      entry.next = chain
      chain = entry
    }
    entries[key] = entry
  }
}
let common = entries.sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }.prefix(20)
print(common.map { "\($0.key) \($0.value.count)" }.joined(separator: "\n"))
while let entry = chain { chain = entry.next }
