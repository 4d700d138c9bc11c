/// Whether all processes do the same, before anything is done.
extension Processes {
    /// - Throws: ``DistillationError`` where a process would do another run than process 0.
    func requireSame(_ identity: RunIdentity) throws {
        try requireSame(identity) { own, first in
            own.differences(from: first).map { "\($0) (was: of process 0)" }
        }
    }

    /// - Parameter contents: What the work depends on, by its name.
    /// - Throws: ``DistillationError`` where a process would do other work than process 0.
    func requireSame(_ contents: [String: String]) throws {
        try requireSame(contents) { own, first in
            Set(own.keys).union(first.keys).filter { own[$0] != first[$0] }.sorted().map {
                "\($0) is another"
            }
        }
    }

    private func requireSame<Value: Codable>(
        _ own: Value, _ differences: (_ own: Value, _ first: Value) -> [String]
    ) throws {
        let all = try gather(own)
        for (process, other) in all.enumerated().dropFirst() {
            let found = differences(other, all[0])
            guard !found.isEmpty else { continue }
            throw DistillationError(
                "process \(process) does not do the same as process 0: " + found.joined(separator: "; ")
                    + "; start all processes with the same settings, files and program"
                    + (found.contains { $0.contains("kernels") || $0.contains("capability") }
                        ? ", on processors of one kind, or set DISTILL_CPU_CAPABILITY to one that all of them have"
                        : ""))
        }
    }

    /// A note on how the processes share the work.
    func note(_ arguments: TrainingArguments) -> String {
        "\(size) processes share every batch of \(arguments.perDeviceTrainBatchSize) examples: the run is that of one process, "
            + "whose weights it gives but for rounding."
    }
}
