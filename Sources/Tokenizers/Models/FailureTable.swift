/// The failure links and pops of a ``MaxMatchTrie`` under construction (algorithm 2 of the paper).
struct FailureTable {
    private(set) var failures: [MaxMatchTrie.Failure]
    private(set) var pops: [MaxMatchTrie.Pop] = []

    private let edges: DoubleArray
    /// The index of each of the trees' nodes among the edges.
    private let places: [UInt32]
    /// The tokens of the lists that are being joined.
    private var joined: [Int32] = []

    init(_ edges: DoubleArray, _ places: [UInt32], _ trees: PrefixTrees) {
        self.edges = edges
        self.places = places
        failures = Array(repeating: .init(), count: edges.count)
    }

    /// Works all nodes out, those nearest to the roots first: links lead nearer to the root.
    mutating func fill(_ trees: PrefixTrees) {
        var queue = Array(0..<trees.rootCount)
        queue.reserveCapacity(trees.count)
        var done = 0
        while done < queue.count {
            let parent = queue[done]
            done += 1
            trees.forEachChild(of: parent) { child, label in
                let failure =
                    trees.values[child] == PrefixTrees.none
                    ? failure(below: places[parent], label) : failure(atToken: trees.values[child])
                failures[Int(places[child])] = failure
                queue.append(child)
            }
        }
    }

    /// A node that is a token: the token is certain, and nothing is left over.
    private mutating func failure(atToken token: Int32) -> MaxMatchTrie.Failure {
        let list = append(token, to: MaxMatchTrie.none)
        return .init(link: Int32(bitPattern: MaxMatchTrie.continuation), pops: list)
    }

    /// Another node: its parent's tokens are certain, and then those that fall off on the way from the parent's link
    /// to a node from which the byte can be followed.
    private mutating func failure(below parent: UInt32, _ label: UInt8) -> MaxMatchTrie.Failure {
        let above = failures[Int(parent)]
        joined.removeAll(keepingCapacity: true)
        var link = above.link
        while link != MaxMatchTrie.none {
            let node = UInt32(bitPattern: link)
            if let target = edges.child(of: node, label) {
                var list = above.pops
                for token in joined { list = append(token, to: list) }
                return .init(link: Int32(bitPattern: target), pops: list)
            }
            let failure = failures[Int(node)]
            join(failure.pops)
            link = failure.link
        }
        return .init()
    }

    /// Adds a list's tokens to ``joined``, in order.
    private mutating func join(_ list: Int32) {
        let start = joined.count
        var place = list
        while place != MaxMatchTrie.none {
            joined.append(pops[Int(place)].token)
            place = pops[Int(place)].previous
        }
        joined[start...].reverse()
    }

    private mutating func append(_ token: Int32, to list: Int32) -> Int32 {
        let count = list == MaxMatchTrie.none ? 0 : pops[Int(list)].count
        pops.append(.init(token: token, previous: list, count: count + 1))
        return Int32(pops.count - 1)
    }
}
