import Datasets
import Foundation
import Testing

@testable import Distillation

@Suite("The place of a process among others, from environment variables")
struct ProcessEnvironmentTests {
    @Test("torchrun's variables")
    func torchrun() throws {
        let variables = [
            "RANK": "3", "WORLD_SIZE": "8", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2",
            "MASTER_ADDR": "node-a", "MASTER_PORT": "29400", "TORCHELASTIC_USE_AGENT_STORE": "True",
            "TORCHELASTIC_RESTART_COUNT": "2",
        ]
        let place = try #require(try ProcessEnvironment.read(variables))
        #expect(
            place
                == ProcessEnvironment(
                    rank: 3, worldSize: 8, localRank: 1, localWorldSize: 2, masterAddress: "node-a",
                    masterPort: 29400, hasAgentStore: true, restart: 2))
        #expect(try ProcessEnvironment.read(place.variables) == place)
        #expect(try ProcessEnvironment.read(["RANK": "0", "WORLD_SIZE": "1"]) == nil)
        #expect(try ProcessEnvironment.read([:]) == nil)
    }

    @Test("Slurm's variables, of a job step")
    func slurm() throws {
        let variables = [
            "SLURM_PROCID": "5", "SLURM_STEP_NUM_TASKS": "7", "SLURM_LOCALID": "1", "SLURM_NODEID": "2",
            "SLURM_STEP_NODELIST": "gpu[03-05]-ib,login", "SLURM_STEP_TASKS_PER_NODE": "2(x3),1",
            "SLURM_JOB_ID": "40123",
        ]
        let place = try #require(try ProcessEnvironment.read(variables))
        #expect((place.rank, place.worldSize, place.localRank, place.localWorldSize) == (5, 7, 1, 2))
        #expect((place.masterAddress, place.masterPort) == ("gpu03-ib", 15000 + 123))
        // A batch script is no step of several tasks, and a program in it runs alone.
        #expect(try ProcessEnvironment.read(["SLURM_PROCID": "0", "SLURM_NTASKS": "8"]) == nil)
        #expect(ProcessEnvironment.firstHost("a1,a2") == "a1")
        #expect(ProcessEnvironment.firstHost("a1,b[2-3]") == "a1")
        #expect(ProcessEnvironment.firstHost("") == nil)
    }

    @Test(
        "what is missing or no number is named",
        arguments: [
            (["WORLD_SIZE": "2", "RANK": "0"], "MASTER_ADDR"),
            (["WORLD_SIZE": "2", "MASTER_ADDR": "a"], "RANK"),
            (["WORLD_SIZE": "2", "RANK": "2", "MASTER_ADDR": "a"], "RANK is '2'"),
            (["WORLD_SIZE": "two", "RANK": "0", "MASTER_ADDR": "a"], "WORLD_SIZE is 'two'"),
            (["WORLD_SIZE": "2", "RANK": "0", "MASTER_ADDR": "a", "MASTER_PORT": "70000"], "MASTER_PORT"),
            (["SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "2"], "SLURM_STEP_NODELIST"),
        ])
    func refused(_ variables: [String: String], _ part: String) throws {
        let error = #expect(throws: DistillationError.self) { try ProcessEnvironment.read(variables) }
        #expect(error?.description.contains(part) ?? false, "\(error.map { "\($0)" } ?? "")")
    }

    @Test(
        "parts of a batch follow one another and have about as many tokens", arguments: [1, 2, 3, 4, 7, 16])
    func parts(_ processes: Int) {
        var generator = SeededGenerator(seed: UInt64(processes))
        for count in [0, 1, 2, 5, 32, 100] {
            let lengths = (0..<count).map { _ in 1 + Int(generator.next() % 60) }
            let parts = BatchShare.parts(lengths, processes: processes)
            #expect(parts.count == processes)
            #expect(parts.flatMap(Array.init) == Array(0..<count))
            let total = lengths.reduce(0, +)
            for part in parts {
                let own = lengths[part].reduce(0, +)
                #expect(abs(own * processes - total) <= 60 * processes, "\(own) of \(total)")
            }
        }
        // Halves of a batch are made of quarters.
        let lengths = (0..<40).map { 1 + ($0 * 7) % 13 }
        let (two, four) = (
            BatchShare.parts(lengths, processes: 2), BatchShare.parts(lengths, processes: 4)
        )
        #expect(two[0].upperBound == four[1].upperBound)
    }
}
