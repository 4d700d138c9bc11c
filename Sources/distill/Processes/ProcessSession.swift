import ArgumentParser
import Distillation
import Foundation
import Synchronization
import Torch

/// One of the processes that make a run together: it joins the others, works, and says to them why it ends.
struct ProcessSession {
    let environment: ProcessEnvironment
    let timeout: Double?

    /// The exit code of a process that lost another.
    static let lossCode: Int32 = 76

    init(_ environment: ProcessEnvironment, timeout: Double?) {
        self.environment = environment
        self.timeout = timeout
        // One process shows what all do.
        if environment.rank > 0 {
            Terminal.isQuiet = true
            Interrupt.isSilent.store(true, ordering: .relaxed)
        }
    }

    func perform(threads: Int?, _ body: (Processes?) throws -> Void) throws {
        if threads == nil {
            let cores = ProcessInfo.processInfo.activeProcessorCount
            try Device.setThreads(max(1, cores / environment.localWorldSize))
        }
        // Of what all processes meet alike, the first tells.
        let isTold = environment.rank > 0 && Launcher.isParent
        endWithParent()
        let processes: Processes
        do {
            processes = try Processes(
                environment, timeout: timeout ?? Processes.defaultTimeout,
                startTimeout: min(Processes.defaultStartTimeout, timeout ?? .infinity),
                silence: min(Processes.defaultSilence, (timeout ?? .infinity) / 2),
                onWait: { if !isTold { Terminal.error($0) } },
                onLoss: { text in
                    Terminal.error("Error: \(text)")
                    _exit(ProcessSession.lossCode)
                })
        } catch let error as ProcessLossError {
            // Of those that did not come.
            Terminal.error("Error: \(error)")
            exit(Self.lossCode)
        }
        do {
            try body(processes)
            try processes.leave()
        } catch is ProcessLossError where Interrupt.isRequested {
            // All were asked to stop, and another was quicker.
            exit(Interrupt.exitCode)
        } catch is InterruptedError where environment.rank > 0 {
            exit(Interrupt.exitCode)
        } catch let error as ProcessLossError {
            if !isTold { Terminal.error("Error: \(error)") }
            exit(Self.lossCode)
        } catch let code as ExitCode {
            // All come to the same end.
            try processes.leave()
            throw code
        } catch {
            if !(error is InterruptedError) { processes.fail("\(error)") }
            if isTold { exit(EXIT_FAILURE) }
            throw error
        }
    }

    /// Where the process that started this one is killed, this one saves a checkpoint and ends.
    private func endWithParent() {
        guard Launcher.isParent else { return }
        let parent = getppid()
        let thread = Thread {
            while getppid() == parent { Thread.sleep(forTimeInterval: 0.5) }
            kill(getpid(), SIGTERM)
        }
        thread.name = "distill.parent"
        thread.start()
    }
}
