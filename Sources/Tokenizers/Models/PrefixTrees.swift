/// Trees of byte strings under construction: nodes are numbered in order of insertion, and common prefixes share them.
struct PrefixTrees {
    static let none: Int32 = -1

    /// The nodes from 0 on that are roots.
    let rootCount: Int
    private var parents: [Int32]
    private var labels: [UInt8]
    private var firstChildren: [Int32]
    private var nextSiblings: [Int32]
    private var childCounts: [UInt16]
    /// The value of the string that ends at a node, or ``none``.
    private(set) var values: [Int32]
    /// The nodes by parent and label: a hash table whose free slots hold ``none``.
    private var table: [Int32]

    /// - Parameter byteCount: an upper bound of the total length of all strings.
    init(rootCount: Int, byteCount: Int) {
        self.rootCount = rootCount
        parents = Array(repeating: Self.none, count: rootCount)
        labels = Array(repeating: 0, count: rootCount)
        firstChildren = Array(repeating: Self.none, count: rootCount)
        nextSiblings = Array(repeating: Self.none, count: rootCount)
        childCounts = Array(repeating: 0, count: rootCount)
        values = Array(repeating: Self.none, count: rootCount)
        var capacity = 16
        while capacity < 2 * byteCount { capacity *= 2 }
        table = Array(repeating: Self.none, count: capacity)
    }

    var count: Int { parents.count }

    func childCount(of node: Int) -> Int { Int(childCounts[node]) }

    /// Calls the body with each child and the byte that leads to it.
    func forEachChild(of node: Int, _ body: (_ child: Int, _ label: UInt8) -> Void) {
        var child = firstChildren[node]
        while child != Self.none {
            body(Int(child), labels[Int(child)])
            child = nextSiblings[Int(child)]
        }
    }

    /// Adds a string below a root. Of a string given twice the last value counts.
    mutating func insert(_ string: ArraySlice<UInt8>, below root: Int, value: Int32) {
        var node = Int32(truncatingIfNeeded: root)
        for label in string { node = child(of: node, label) }
        values[Int(node)] = value
    }

    /// The child that a byte leads to, made if there is none.
    private mutating func child(of node: Int32, _ label: UInt8) -> Int32 {
        let mask = table.count - 1
        let key = UInt64(UInt32(bitPattern: node)) << 8 | UInt64(label)
        var place = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 32) & mask
        while table[place] != Self.none {
            let child = Int(table[place])
            if parents[child] == node, labels[child] == label { return table[place] }
            place = (place + 1) & mask
        }
        let child = Int32(parents.count)
        table[place] = child
        parents.append(node)
        labels.append(label)
        firstChildren.append(Self.none)
        nextSiblings.append(firstChildren[Int(node)])
        firstChildren[Int(node)] = child
        childCounts.append(0)
        childCounts[Int(node)] += 1
        values.append(Self.none)
        return child
    }
}
