import Foundation

/// This process's place among those that train together, as `torchrun`, Slurm or `distill run --processes` say it in environment
/// variables.
public struct ProcessEnvironment: Sendable, Equatable {
    /// This process's number, from 0.
    public var rank: Int
    /// The number of processes on all machines.
    public var worldSize: Int
    /// This process's number on its machine, from 0.
    public var localRank: Int
    /// The number of processes on its machine.
    public var localWorldSize: Int
    /// The machine whose process serves the store in which the processes find one another.
    public var masterAddress: String
    public var masterPort: Int
    /// True if the process that started this one serves the store, as torchrun does; else process 0 does.
    public var hasAgentStore: Bool
    /// How often the processes were started anew.
    public var restart: Int

    public init(
        rank: Int, worldSize: Int, localRank: Int, localWorldSize: Int, masterAddress: String,
        masterPort: Int, hasAgentStore: Bool = false, restart: Int = 0
    ) {
        self.rank = rank
        self.worldSize = worldSize
        self.localRank = localRank
        self.localWorldSize = localWorldSize
        self.masterAddress = masterAddress
        self.masterPort = masterPort
        self.hasAgentStore = hasAgentStore
        self.restart = restart
    }

    /// Reads the variables.
    ///
    /// - Returns: `nil` where they speak of no other process.
    /// - Throws: ``DistillationError`` where some are missing, are no numbers, or contradict one another.
    public static func read(
        _ variables: [String: String] = ProcessInfo.processInfo.environment
    ) throws -> ProcessEnvironment? {
        if let found = try torchrun(variables) { return found.worldSize > 1 ? found : nil }
        if let found = try slurm(variables) { return found.worldSize > 1 ? found : nil }
        return nil
    }

    /// The variables that a process with this place is started with.
    public var variables: [String: String] {
        [
            "RANK": String(rank), "WORLD_SIZE": String(worldSize), "LOCAL_RANK": String(localRank),
            "LOCAL_WORLD_SIZE": String(localWorldSize), "MASTER_ADDR": masterAddress,
            "MASTER_PORT": String(masterPort),
            "TORCHELASTIC_USE_AGENT_STORE": hasAgentStore ? "True" : "False",
            "TORCHELASTIC_RESTART_COUNT": String(restart),
        ]
    }

    private static func torchrun(_ variables: [String: String]) throws -> ProcessEnvironment? {
        guard variables["WORLD_SIZE"] != nil || variables["RANK"] != nil else { return nil }
        let size = try integer("WORLD_SIZE", variables, 1...1 << 20)
        let rank = try integer("RANK", variables, 0...size - 1)
        guard size > 1 || variables["MASTER_ADDR"] != nil else {
            return ProcessEnvironment(
                rank: 0, worldSize: 1, localRank: 0, localWorldSize: 1, masterAddress: "", masterPort: 0)
        }
        guard let address = variables["MASTER_ADDR"], !address.isEmpty else {
            throw DistillationError(
                "WORLD_SIZE is \(size), but MASTER_ADDR is not set; start the processes with torchrun, srun or --processes, "
                    + "or unset WORLD_SIZE to run one alone")
        }
        let localSize = try integer("LOCAL_WORLD_SIZE", variables, 1...size, default: 1)
        return ProcessEnvironment(
            rank: rank, worldSize: size,
            localRank: try integer("LOCAL_RANK", variables, 0...localSize - 1, default: 0),
            localWorldSize: localSize, masterAddress: address,
            masterPort: try integer("MASTER_PORT", variables, 1...65535, default: 29500),
            hasAgentStore: variables["TORCHELASTIC_USE_AGENT_STORE"] == "True",
            restart: try integer("TORCHELASTIC_RESTART_COUNT", variables, 0...1 << 30, default: 0))
    }

    /// Reads the variables of a job step that `srun` started; a batch script itself is no step of several tasks.
    private static func slurm(_ variables: [String: String]) throws -> ProcessEnvironment? {
        guard variables["SLURM_STEP_NUM_TASKS"] != nil, variables["SLURM_PROCID"] != nil else { return nil }
        let size = try integer("SLURM_STEP_NUM_TASKS", variables, 1...1 << 20)
        let nodes = variables["SLURM_STEP_NODELIST"] ?? variables["SLURM_JOB_NODELIST"] ?? ""
        guard let first = firstHost(nodes) else {
            throw DistillationError(
                "SLURM_STEP_NODELIST is '\(nodes)', which names no machine; set MASTER_ADDR, MASTER_PORT, RANK and WORLD_SIZE"
            )
        }
        let job = Int(variables["SLURM_JOB_ID"] ?? "") ?? 0
        let address = variables["MASTER_ADDR"] ?? first
        let localID = try integer("SLURM_LOCALID", variables, 0...1 << 20, default: 0)
        return ProcessEnvironment(
            rank: try integer("SLURM_PROCID", variables, 0...size - 1), worldSize: size, localRank: localID,
            localWorldSize: tasksOnThisNode(variables, size),
            masterAddress: address,
            // Jobs that share a machine take different ports.
            masterPort: try integer("MASTER_PORT", variables, 1...65535, default: 15000 + job % 20000),
            restart: try integer("SLURM_RESTART_COUNT", variables, 0...1 << 30, default: 0))
    }

    /// The number of tasks on this node, of "4(x2),3".
    private static func tasksOnThisNode(_ variables: [String: String], _ size: Int) -> Int {
        let node = Int(variables["SLURM_NODEID"] ?? "") ?? 0
        var counts: [Int] = []
        for part in (variables["SLURM_STEP_TASKS_PER_NODE"] ?? "").split(separator: ",") {
            let pieces = part.split(separator: "(")
            guard let count = pieces.first.flatMap({ Int($0) }) else { break }
            let times = pieces.count > 1 ? Int(pieces[1].filter(\.isNumber)) ?? 1 : 1
            counts += [Int](repeating: count, count: min(times, size))
        }
        return counts.indices.contains(node) ? counts[node] : 1
    }

    /// The first machine of a list as Slurm writes it: "node[03-05,9],other" begins with node03.
    static func firstHost(_ list: String) -> String? {
        guard let bracket = list.firstIndex(of: "["), !list[..<bracket].contains(",") else {
            let name = list.prefix { $0 != "," }
            return name.isEmpty ? nil : String(name)
        }
        let number = list[list.index(after: bracket)...].prefix { $0.isNumber }
        guard !number.isEmpty, let close = list.firstIndex(of: "]") else { return nil }
        let suffix = list[list.index(after: close)...].prefix { $0 != "," }
        return String(list[..<bracket]) + String(number) + String(suffix)
    }

    private static func integer(
        _ name: String, _ variables: [String: String], _ range: ClosedRange<Int>, default missing: Int? = nil
    ) throws -> Int {
        guard let text = variables[name] else {
            guard let missing else {
                throw DistillationError(
                    "the environment variable \(name) is not set, but others of torchrun are; start the processes with "
                        + "torchrun, srun or --processes")
            }
            return missing
        }
        guard let value = Int(text), range.contains(value) else {
            throw DistillationError(
                "the environment variable \(name) is '\(text)'; it must be a number from \(range.lowerBound) to "
                    + "\(range.upperBound)")
        }
        return value
    }
}
