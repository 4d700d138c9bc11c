import ArgumentParser
import Distillation

/// The processes that make a run together.
struct ProcessOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Work in this many processes on this machine, which share every batch, or the runs of a search; for several machines start with torchrun or srun.",
            valueName: "n"))
    var processes: Int?

    @Option(
        help: ArgumentHelp(
            "Seconds after which a process is given up that has not come to where the others wait. (default: 1800)",
            valueName: "seconds"))
    var ddpTimeout: Int?

    func validate() throws {
        if let processes, !(1...1024).contains(processes) {
            throw ValidationError("--processes must be from 1 to 1024, got \(processes)")
        }
        if let ddpTimeout, ddpTimeout < 1 {
            throw ValidationError("--ddp-timeout must be at least 1 second, got \(ddpTimeout)")
        }
    }

    /// Runs a command's work in this process, with the others that the environment or the options speak of.
    ///
    /// - Parameters:
    ///   - threads: The threads of a process; `nil` to share the machine's cores.
    ///   - body: Receives the other processes; `nil` where this one runs alone.
    func perform(threads: Int?, _ body: (Processes?) throws -> Void) throws {
        let environment = try UsageError.checking { try ProcessEnvironment.read() }
        if let processes, let environment, !Launcher.isParent {
            throw UsageError(
                "--processes is \(processes), but RANK or SLURM_PROCID says that this is one of \(environment.worldSize) processes "
                    + "that were started together; leave --processes out, or unset the variables")
        }
        if environment == nil, let processes, processes > 1 { try Launcher.run(processes) }
        guard let environment else { return try body(nil) }
        try ProcessSession(environment, timeout: ddpTimeout.map(Double.init)).perform(threads: threads, body)
    }
}
