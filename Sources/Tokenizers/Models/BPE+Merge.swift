/// A token of a word that is being merged.
struct BPESymbol: BitwiseCopyable {
    var id: Int32
    /// In bytes; 0 once it is part of the symbol before.
    var length: Int32
    var previous: Int32
    var next: Int32
    /// The rank of the merge with the next symbol, and what comes of it.
    var rank: Int32 = .max
    var merged: Int32 = 0
}

/// A merge that may come next.
struct BPECandidate: BitwiseCopyable {
    var rank: Int32
    var place: Int32
    var id: Int32

    @inline(__always)
    func precedes(_ other: Self) -> Bool { rank != other.rank ? rank < other.rank : place < other.place }
}

extension BPE {
    /// Up to this length a word's best merge is found by looking at all of them.
    private static let shortWord = 32

    /// Merges the symbols of a word: always the merge of the lowest rank, and of several the first.
    func merge(_ workspace: ModelWorkspace) {
        let count = workspace.symbols.count
        guard count > 1 else { return }
        if count <= Self.shortWord {
            workspace.symbols.withUnsafeMutableBufferPointer { mergeByScanning($0) }
        } else {
            mergeByQueue(workspace)
        }
    }

    /// Symbols that were merged are taken out at once.
    private func mergeByScanning(_ symbols: UnsafeMutableBufferPointer<BPESymbol>) {
        var count = symbols.count
        func rate(_ place: Int) {
            if place &+ 1 < count, let found = merges.merge(symbols[place].id, symbols[place &+ 1].id) {
                symbols[place].rank = found.rank
                symbols[place].merged = found.id
            } else {
                symbols[place].rank = .max
            }
        }
        for place in 0..<count { rate(place) }
        while count > 1 {
            var best = 0
            var rank = Int32.max
            for place in 0..<count &- 1 where symbols[place].rank < rank {
                rank = symbols[place].rank
                best = place
            }
            if rank == .max { break }
            symbols[best].id = symbols[best].merged
            symbols[best].length &+= symbols[best &+ 1].length
            var place = best &+ 1
            while place &+ 1 < count {
                symbols[place] = symbols[place &+ 1]
                place &+= 1
            }
            count &-= 1
            rate(best)
            if best > 0 { rate(best &- 1) }
        }
        for place in count..<symbols.count { symbols[place].length = 0 }
    }

    private func mergeByQueue(_ workspace: ModelWorkspace) {
        workspace.queue.removeAll(keepingCapacity: true)
        let count = workspace.symbols.count
        for place in 0..<count - 1 { offer(place, workspace) }
        while let top = Self.pop(&workspace.queue) {
            let place = Int(top.place)
            let symbol = workspace.symbols[place]
            guard symbol.length > 0, symbol.next >= 0 else { continue }
            let right = workspace.symbols[Int(symbol.next)]
            guard merges.merge(symbol.id, right.id)?.id == top.id else { continue }
            workspace.symbols[Int(symbol.next)].length = 0
            workspace.symbols[place].id = top.id
            workspace.symbols[place].length += right.length
            workspace.symbols[place].next = right.next
            if right.next >= 0 { workspace.symbols[Int(right.next)].previous = top.place }
            if symbol.previous >= 0 { offer(Int(symbol.previous), workspace) }
            offer(place, workspace)
        }
    }

    private func offer(_ place: Int, _ workspace: ModelWorkspace) {
        let symbol = workspace.symbols[place]
        guard symbol.next >= 0, let found = merges.merge(symbol.id, workspace.symbols[Int(symbol.next)].id)
        else {
            return
        }
        Self.push(BPECandidate(rank: found.rank, place: Int32(place), id: found.id), &workspace.queue)
    }

    private static func push(_ candidate: BPECandidate, _ heap: inout [BPECandidate]) {
        var place = heap.count
        heap.append(candidate)
        while place > 0 {
            let parent = (place - 1) / 2
            guard heap[place].precedes(heap[parent]) else { return }
            heap.swapAt(place, parent)
            place = parent
        }
    }

    private static func pop(_ heap: inout [BPECandidate]) -> BPECandidate? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        guard !heap.isEmpty else { return first }
        heap[0] = last
        var place = 0
        while true {
            var child = 2 * place + 1
            guard child < heap.count else { return first }
            if child + 1 < heap.count, heap[child + 1].precedes(heap[child]) { child += 1 }
            guard heap[child].precedes(heap[place]) else { return first }
            heap.swapAt(place, child)
            place = child
        }
    }
}
