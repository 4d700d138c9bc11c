/// The edges of a tree over bytes, in one flat array.
///
/// A node is an index of the array. The child that a byte leads to is at the node's `base` exclusive-or the byte,
/// if that entry names the node as its parent: one look-up per byte, however many children there are. The array's size
/// is a multiple of 256, so such an index always exists. See Aoe, "An Efficient Digital Search Algorithm by Using a
/// Double-Array Structure" (1989); exclusive-or instead of the sum is from Darts-clone.
struct DoubleArray: Sendable {
    struct Node: Sendable, BitwiseCopyable {
        var base: UInt32
        var parent: UInt32
    }

    /// The parent of a root, and of an entry that holds no node.
    static let noParent = UInt32.max

    private let nodes: ConstantTable<Node>

    /// The number of entries, of nodes and free ones.
    var count: Int { nodes.count }

    /// The child that a byte leads to, if there is one.
    @inline(__always)
    func child(of node: UInt32, _ byte: UInt8) -> UInt32? {
        let place = nodes[Int(node)].base ^ UInt32(byte)
        return nodes[Int(place)].parent == node ? place : nil
    }

    /// Lays trees out.
    ///
    /// - Returns: the array, and for each node of the trees its index. The roots come first, in order.
    static func lay(out trees: PrefixTrees) -> (DoubleArray, places: [UInt32]) {
        var layout = Layout(trees)
        layout.placeAll(trees)
        return (DoubleArray(nodes: ConstantTable(layout.nodes)), layout.places)
    }
}

/// A double array under construction.
private struct Layout {
    private(set) var nodes: [DoubleArray.Node] = []
    private(set) var places: [UInt32]
    private var isUsed: [Bool] = []
    /// No entry before this one is free.
    private var firstFree = 0

    init(_ trees: PrefixTrees) {
        places = [UInt32](repeating: 0, count: trees.count)
        nodes.reserveCapacity(trees.count + trees.count / 8 + 512)
        isUsed.reserveCapacity(trees.count + trees.count / 8 + 512)
        grow()
        for root in 0..<trees.rootCount {
            places[root] = UInt32(truncatingIfNeeded: root)
            isUsed[root] = true
        }
    }

    private mutating func grow() {
        nodes.append(contentsOf: repeatElement(.init(base: 0, parent: DoubleArray.noParent), count: 256))
        isUsed.append(contentsOf: repeatElement(false, count: 256))
    }

    /// Assigns entries to the children of all nodes: to many siblings first, while there is much room; the many nodes
    /// that are alone fill what is left.
    mutating func placeAll(_ trees: PrefixTrees) {
        var nodesByChildCount = [[Int32]](repeating: [], count: 257)
        for node in 0..<trees.count { nodesByChildCount[trees.childCount(of: node)].append(Int32(node)) }
        // A node may only get its children once it has an index itself, but its base can be chosen before.
        var bases = [UInt32](repeating: 0, count: trees.count)
        var labels: [UInt8] = []
        var children: [Int] = []
        for parents in nodesByChildCount.dropFirst().reversed() {
            var candidate = 0
            for parent in parents {
                labels.removeAll(keepingCapacity: true)
                children.removeAll(keepingCapacity: true)
                trees.forEachChild(of: Int(parent)) { child, label in
                    labels.append(label)
                    children.append(child)
                }
                let base = findBase(for: labels, from: &candidate)
                bases[Int(parent)] = base
                for (child, label) in zip(children, labels) {
                    places[child] = base ^ UInt32(label)
                    isUsed[Int(places[child])] = true
                }
            }
        }
        for node in 0..<trees.count {
            nodes[Int(places[node])].base = bases[node]
            trees.forEachChild(of: node) { child, _ in nodes[Int(places[child])].parent = places[node] }
        }
    }

    /// A base for which the entries of all labels are free.
    ///
    /// - Parameter candidate: the index from which to try the first label, and then the one that it got.
    private mutating func findBase(for labels: [UInt8], from candidate: inout Int) -> UInt32 {
        while firstFree < isUsed.count, isUsed[firstFree] { firstFree += 1 }
        candidate = max(candidate, firstFree)
        while true {
            while candidate < isUsed.count, isUsed[candidate] { candidate += 1 }
            if candidate == isUsed.count { grow() }
            let base = candidate ^ Int(labels[0])
            if labels.allSatisfy({ !isUsed[base ^ Int($0)] }) { return UInt32(truncatingIfNeeded: base) }
            candidate += 1
        }
    }
}
