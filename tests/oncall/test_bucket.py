from gateway.oncall.bucket import Bucket


def test_a_bucket_is_full_at_first_and_then_gives_one_at_a_time() -> None:
    bucket = Bucket(2, 10)
    assert [bucket.take(1000.0) for _ in range(3)] == [True, True, False]
    assert not bucket.take(1009.0)
    assert bucket.take(1010.0)
    assert not bucket.take(1010.0)


def test_a_bucket_says_how_long_to_wait() -> None:
    bucket = Bucket(1, 10)
    assert bucket.wait(1000.0) == 0
    bucket.take(1000.0)
    assert bucket.wait(1000.0) == 10
    assert bucket.wait(1004.0) == 6
    assert bucket.wait(2000.0) == 0


def test_a_bucket_never_holds_more_than_its_size() -> None:
    bucket = Bucket(2, 10)
    bucket.take(0.0)
    assert [bucket.take(10_000.0) for _ in range(3)] == [True, True, False]
