/// The live objects in order of birth, and the dead slots as a stack: what an allocation's slot
/// and a free's slot code are resolved against. Writer and reader keep the same.
///
/// Node 0 is the sentinel: its `next` is the oldest live object, its `previous` the newest. Slot n
/// is node n + 1. Every link is a node below `count`, whatever a file says, so that walking needs
/// no bounds check.
struct SlotTable {
  struct Node {
    /// The live object born next; for a dead slot the slot freed before it.
    var next: UInt32
    var previous: UInt32
    /// Site of the allocation, or `dead`.
    var site: UInt32
    /// Number of the allocation, modulo 2³²: tells a writer which walks are worth trying.
    var birth: UInt32
  }

  static let dead = UInt32.max

  var nodes: UnsafeMutablePointer<Node>
  /// Nodes in use, the sentinel included: slots handed out so far + 1.
  var count: UInt32
  /// The dead slot that was freed last, 0 for none.
  var freed: UInt32
  var live: UInt32
  var births: UInt32
  var capacity: Int

  /// Released by `deallocate`.
  static func allocate() -> SlotTable {
    let capacity = 1024
    let nodes = UnsafeMutablePointer<Node>.allocate(capacity: capacity)
    nodes.initialize(to: Node(next: 0, previous: 0, site: dead, birth: 0))
    return SlotTable(nodes: nodes, count: 1, freed: 0, live: 0, births: 0, capacity: capacity)
  }

  func deallocate() { nodes.deallocate() }

  /// Slots handed out so far.
  var slots: Int { Int(count) - 1 }

  /// Makes room for that many new slots, so that `allocate` needs no check.
  /// - Complexity: amortised O(1) per slot.
  mutating func reserve(_ slots: Int) {
    guard Int(count) + slots > capacity else { return }
    var larger = capacity
    while Int(count) + slots > larger { larger *= 2 }
    let moved = UnsafeMutablePointer<Node>.allocate(capacity: larger)
    moved.moveInitialize(from: nodes, count: Int(count))
    nodes.deallocate()
    nodes = moved
    capacity = larger
  }

  /// Makes the slot that an allocation takes live and returns its node. There must be room.
  @inline(__always) mutating func allocate(site: UInt32) -> UInt32 {
    var node = freed
    if node != 0 {
      freed = nodes[Int(node)].next
    } else {
      node = count
      count &+= 1
    }
    let newest = nodes[0].previous
    nodes[Int(newest)].next = node
    nodes[Int(node)] = Node(next: 0, previous: newest, site: site, birth: births)
    nodes[0].previous = node
    births &+= 1
    live &+= 1
    return node
  }

  /// Whether the node is a live object; the sentinel is not.
  @inline(__always) func isLive(_ node: UInt32) -> Bool {
    node < count && nodes[Int(node)].site != SlotTable.dead
  }

  /// Ends the life of a live node.
  @inline(__always) mutating func free(_ node: UInt32) {
    let entry = nodes[Int(node)]
    nodes[Int(entry.previous)].next = entry.next
    nodes[Int(entry.next)].previous = entry.previous
    nodes[Int(node)].next = freed
    nodes[Int(node)].site = SlotTable.dead
    freed = node
    live &-= 1
  }

  /// The node that a free's slot code leads to, other than `Code.explicitSlot`. It may be dead.
  @inline(__always) func walk(_ code: Int, after: UInt32, before: UInt32) -> UInt32 {
    if code >= Code.after && code < Code.before {
      var node = after
      for _ in 0..<(code & 7) { node = nodes[Int(node)].next }
      return node
    }
    var node = code < Code.after ? nodes[0].previous : before
    for _ in 0..<(code & 7) { node = nodes[Int(node)].previous }
    return node
  }
}
