/// Python's `range`.
final class RangeValue {
    let start: Int
    let step: Int
    let count: Int
    let stop: Int

    init(start: Int, stop: Int, step: Int, count: Int) {
        self.start = start
        self.stop = stop
        self.step = step
        self.count = count
    }

    subscript(index: Int) -> Value { .int(start &+ index &* step) }

    var items: [Value] { (0..<count).map { self[$0] } }
}

/// An iterator, which gives its values once and only when they are asked for.
final class IteratorValue {
    let depth: Int
    private let pull: () throws -> Value?

    /// Makes an iterator.
    ///
    /// - Parameters:
    ///   - depth: How deep the values that it holds are nested.
    ///   - pull: Gives the next value, or nil at the end.
    init(depth: Int, _ pull: @escaping () throws -> Value?) throws {
        self.depth = try ListValue.depth(depth)
        self.pull = pull
    }

    convenience init(_ items: [Value]) {
        var index = 0
        self.init(unchecked: items.reduce(0) { max($0, $1.depth) }) {
            guard index < items.count else { return nil }
            index += 1
            return items[index - 1]
        }
    }

    private init(unchecked depth: Int, _ pull: @escaping () throws -> Value?) {
        self.depth = depth + 1
        self.pull = pull
    }

    func next() throws -> Value? { try pull() }

    func rest() throws -> [Value] {
        var items: [Value] = []
        while let item = try pull() { items.append(item) }
        return items
    }
}

/// A `loop` variable.
final class LoopValue {
    let depth: Int
    private let iterator: IteratorValue
    private var queue: [Value] = []
    private var taken = 0
    private var isAtEnd = false
    private var knownCount: Int?
    private(set) var index0 = -1
    private(set) var current: Value?
    private(set) var previous: Value?
    /// What `changed` was called with last.
    var lastChecked: [Value]?
    /// How deep loops are nested; always the first, since there are no recursive ones.
    let nesting = 1

    init(_ iterator: IteratorValue, count: Int?) {
        self.iterator = iterator
        knownCount = count
        depth = iterator.depth + 1
    }

    /// Goes on to the next item.
    func advance() throws -> Value? {
        guard let item = try peek() else { return nil }
        taken += 1
        index0 += 1
        previous = current
        current = item
        return item
    }

    /// The item after this one.
    func peek() throws -> Value? {
        if taken < queue.count { return queue[taken] }
        if isAtEnd { return nil }
        queue.removeAll(keepingCapacity: true)
        taken = 0
        guard let item = try iterator.next() else {
            isAtEnd = true
            return nil
        }
        queue.append(item)
        return item
    }

    /// The number of items; takes what is left of an iterator to know it.
    func count() throws -> Int {
        if let knownCount { return knownCount }
        if !isAtEnd { queue += try iterator.rest() }
        isAtEnd = true
        let count = index0 + 1 + queue.count - taken
        knownCount = count
        return count
    }
}

/// What `cycler` makes.
final class CyclerValue {
    let items: ListValue
    var position = 0

    init(_ items: ListValue) { self.items = items }
}

/// What `joiner` makes.
final class JoinerValue {
    let separator: Value
    var isUsed = false

    init(_ separator: Value) { self.separator = separator }
}
