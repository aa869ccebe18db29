"""What other people reported beside what was measured: was it reproduced?"""
