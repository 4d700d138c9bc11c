import CTorch

/// Processes that compute together, on one machine or many, through PyTorch's c10d (Gloo).
///
/// All processes of a group call the same operations in the same order, from one thread each. An operation whose partner has
/// ended fails at once; one whose partner does not come fails after the group's timeout.
public final class ProcessGroup: @unchecked Sendable {
    let handle: ct_process_group
    /// This process's number, from 0.
    public let rank: Int
    /// The number of processes.
    public let size: Int
    /// Rewords the error of an operation, knowing more of the other processes.
    public var explain: (any Error) -> any Error = { $0 }

    /// - Parameters:
    ///   - store: Where the processes find one another.
    ///   - host: The address at which the store was reached: for a loopback address all stay on the loopback.
    ///   - rank: This process's number, from 0.
    ///   - size: The number of processes.
    ///   - timeout: In seconds, for every operation.
    /// - Throws: ``TorchError`` where the others do not come in this time.
    public init(_ store: ProcessStore, host: String, rank: Int, size: Int, timeout: Double) throws {
        guard (0..<size).contains(rank) else {
            throw TorchError("process_group: rank \(rank) of \(size) processes")
        }
        var made: ct_process_group?
        try check(ct_process_group_make(store.handle, host, Int32(rank), Int32(size), timeout, &made))
        guard let made else { throw TorchError(kind: .internal, "an operation returned no group") }
        handle = made
        self.rank = rank
        self.size = size
    }

    deinit { ct_process_group_free(handle) }

    /// An operation under way.
    public final class Work {
        private let handle: ct_work
        private let group: ProcessGroup

        init(_ group: ProcessGroup, _ start: (UnsafeMutablePointer<ct_work?>) -> ct_error?) throws {
            var made: ct_work?
            try group.explaining { try check(start(&made)) }
            guard let made else { throw TorchError(kind: .internal, "an operation returned no work") }
            handle = made
            self.group = group
        }

        deinit { ct_work_free(handle) }

        /// Waits for its end.
        ///
        /// - Throws: ``TorchError``, or what ``ProcessGroup/explain`` makes of it, where a process has ended or does not come.
        public func wait() throws { try group.explaining { try check(ct_work_wait(handle)) } }
    }

    func explaining<Result>(_ body: () throws -> Result) throws -> Result {
        do { return try body() } catch { throw explain(error) }
    }

    /// Sums a tensor over all processes, in place.
    ///
    /// - Returns: The sum is there once this was waited for.
    public func startAllReduce(_ tensor: Tensor) throws -> Work {
        try Work(self) { ct_all_reduce(handle, tensor.handle, $0) }
    }

    /// The sum of each number over all processes: the same bits in all of them.
    public func sum(_ values: [Double]) throws -> [Double] {
        let tensor = try Tensor(values)
        try startAllReduce(tensor).wait()
        return try tensor.array()
    }

    /// Waits until all processes have come here.
    public func barrier() throws { _ = try sum([0]) }

    /// The tensors of all processes, which have the same shape: (size, …).
    public func allGather(_ tensor: Tensor) throws -> Tensor {
        try explaining { try .make { ct_all_gather(handle, tensor.handle, $0) } }
    }

    /// The elements of all processes, each as many as it has.
    public func gather<Element: TensorElement>(_ own: [Element], filler: Element) throws -> [[Element]] {
        let counts: [Int64] = try allGather(Tensor([Int64(own.count)])).array()
        let longest = Int(counts.max() ?? 0)
        guard longest > 0 else { return counts.map { _ in [] } }
        let padded = own + [Element](repeating: filler, count: longest - own.count)
        let all: [Element] = try allGather(Tensor(padded)).array()
        return counts.indices.map { Array(all[$0 * longest..<$0 * longest + Int(counts[$0])]) }
    }

    /// The rows (R, …) of all processes one after another, in the processes' order; gradients flow to this process's own.
    ///
    /// - Parameters:
    ///   - own: (R, …); all processes' rows have the same shape.
    ///   - counts: The number of rows of each process.
    public func gatherRows(_ own: Tensor, counts: [Int]) throws -> Tensor {
        let longest = max(1, counts.max() ?? 0)
        var padded = try own.detached()
        if counts[rank] < longest {
            var shape = own.shape
            shape[0] = longest - counts[rank]
            padded = try Tensor.concatenated([padded, .zeros(shape, dtype: own.dtype)], dimension: 0)
        }
        let all = try allGather(padded)
        let parts = try counts.indices.map { process in
            process == rank
                ? own
                : try all.selected(dimension: 0, index: process)
                    .narrowed(dimension: 0, start: 0, length: counts[process])
        }
        return try Tensor.concatenated(parts, dimension: 0)
    }
}
