import Torch

/// The agreement of a run's processes on when to stop and when to save a checkpoint: all do so after the same step.
///
/// Each says what it wants, and hears one turn later what all want: the exchange takes place during the step between.
final class StopAgreement {
    private let processes: Processes
    private var turn: (wishes: Tensor, work: ProcessGroup.Work)?

    init(_ processes: Processes) { self.processes = processes }

    /// What all processes want.
    struct Result {
        var stop: StopRequest?
        var saves = false
    }

    /// Returns what the processes wanted at the turn before.
    func result() throws -> Result {
        guard let turn else { return Result() }
        try turn.work.wait()
        self.turn = nil
        let sums: [Double] = try turn.wishes.array()
        return Result(stop: sums[1] > 0 ? .checkpoint : sums[0] > 0 ? .finish : nil, saves: sums[2] > 0)
    }

    /// Says what this process wants.
    func want(_ wish: Result) throws {
        let wishes = try Tensor([
            wish.stop == .finish ? 1.0 : 0, wish.stop == .checkpoint ? 1 : 0, wish.saves ? 1 : 0,
        ])
        turn = (wishes, try processes.group.startAllReduce(wishes))
    }
}
