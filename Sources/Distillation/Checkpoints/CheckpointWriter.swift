import Files
import Foundation

/// Writes checkpoints beside the training, one at a time, and removes those that are no longer kept.
final class CheckpointWriter {
    /// The result of a write.
    struct Result {
        var seconds: Double
        /// The reason why it could not be written; `nil` where it was.
        var error: (any Error)?
    }

    private let folder: CheckpointFolder
    private let queue = DispatchQueue(label: "distill.checkpoints")
    private let shared = Shared()

    /// - Parameter folder: The folder of the checkpoints.
    init(_ folder: CheckpointFolder) { self.folder = folder }

    /// What the thread that writes has to itself while it does.
    private final class Shared: @unchecked Sendable {
        var result: Result?

        func write(_ order: Order, to folder: CheckpointFolder) {
            let start = Date()
            let failure = failure(of: order, folder)
            result = Result(seconds: -start.timeIntervalSinceNow, error: failure)
        }

        private func failure(of order: Order, _ folder: CheckpointFolder) -> (any Error)? {
            do {
                try order.checkpoint.write(to: folder.checkpoint(order.checkpoint.record.steps))
            } catch { return error }
            let kept = order.isKept(folder.checkpoints.map(\.steps))
            folder.remove { !kept.contains($0) }
            return nil
        }
    }

    /// A checkpoint that goes over to the thread that writes: nothing else has it from then on.
    private struct Order: @unchecked Sendable {
        let checkpoint: Checkpoint
        let isKept: ([Int]) -> Set<Int>
    }

    /// Begins to write a checkpoint, once the one before is written.
    ///
    /// - Parameters:
    ///   - checkpoint: Its tensors must not change any more.
    ///   - isKept: Returns the checkpoints to keep, of all that are there once this one is, by their steps.
    func write(_ checkpoint: Checkpoint, keeping isKept: @escaping ([Int]) -> Set<Int>) {
        let (shared, folder) = (shared, folder)
        let order = Order(checkpoint: checkpoint, isKept: isKept)
        queue.sync {}
        queue.async { shared.write(order, to: folder) }
    }

    /// Waits for the write under way.
    ///
    /// - Returns: The result of the last write, once; `nil` where it was asked for before.
    func finish() -> Result? {
        queue.sync {}
        defer { shared.result = nil }
        return shared.result
    }
}
