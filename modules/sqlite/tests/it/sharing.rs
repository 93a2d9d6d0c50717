//! One connection, several queries at once.

use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, poll};
use purlin::clock::Clock;
use purlin_sql::{Refused, Settings};
use sqlx::FromRow;

use crate::support::{Notes, database, database_with};

#[derive(Debug, FromRow)]
struct Note {
    id: i64,
    text: String,
}

async fn many(notes: &Notes, count: usize) {
    for n in 0..count {
        notes.add(&format!("note {n}")).await.unwrap();
    }
}

#[tokio::test]
async fn a_query_while_a_stream_is_open_is_an_error() {
    let db = database().await;
    let notes = db.notes();
    many(&notes, 200).await;
    db.sqlite
        .with_tx(async |_tx| {
            let mut rows = sqlx::query_as::<_, Note>("SELECT id, text FROM note ORDER BY id")
                .fetch(&db.sqlite);
            let first = rows.try_next().await?.unwrap();
            assert_eq!((first.id, first.text.as_str()), (1, "note 0"));
            let refused = notes.add("refused").await.unwrap_err();
            assert_eq!(refused.to_string(), Refused::StreamOpen.to_string());
            assert_eq!(rows.try_next().await?.unwrap().id, 2);
            drop(rows);
            notes.add("accepted").await
        })
        .await
        .unwrap();
    assert_eq!(notes.all().await.unwrap().last().unwrap(), "accepted");
}

#[tokio::test]
async fn a_nested_transaction_while_a_stream_is_open_is_an_error() {
    let db = database().await;
    let notes = db.notes();
    many(&notes, 3).await;
    db.sqlite
        .with_tx(async |_tx| {
            let mut rows = sqlx::query("SELECT * FROM note").fetch(&db.sqlite);
            assert!(rows.try_next().await?.is_some());
            let nested = db.sqlite.with_tx(async |_tx| notes.add("refused").await).await;
            assert_eq!(nested.unwrap_err().to_string(), Refused::StreamOpen.to_string());
            Ok::<_, sqlx::Error>(())
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn branches_of_a_join_take_turns() {
    let db = database().await;
    let notes = db.notes();
    many(&notes, 500).await;
    let (all, typed, one, nested, inserted) = db
        .sqlite
        .with_tx(async |_tx| {
            // `query_as` and `query_scalar` collect a stream, which nobody may mistake for an open one.
            let typed =
                sqlx::query_as::<_, Note>("SELECT id, text FROM note").fetch_all(&db.sqlite);
            let one = sqlx::query_scalar::<_, i64>("SELECT max(id) FROM note WHERE id <= 500")
                .fetch_one(&db.sqlite);
            let nested = db.sqlite.with_tx(async |_tx| {
                notes.add("nested").await?;
                notes.add("nested too").await
            });
            tokio::try_join!(notes.all(), typed, one, nested, notes.add("inserted"))
        })
        .await
        .unwrap();
    assert!(all.len() >= 500 && typed.len() >= 500);
    assert_eq!((one, nested, inserted), (500, 502, 503));
    assert_eq!(notes.all().await.unwrap().len(), 503);
}

#[tokio::test]
async fn a_branch_that_waits_for_a_stream_that_waits_for_it_gets_the_error() {
    let db = database().await;
    let notes = db.notes();
    many(&notes, 200).await;
    db.sqlite
        .with_tx(async |_tx| {
            let (tell, told) = tokio::sync::oneshot::channel();
            let streaming = async {
                let mut rows = sqlx::query("SELECT * FROM note").fetch(&db.sqlite);
                assert!(rows.try_next().await?.is_some());
                let refused: sqlx::Error = told.await.unwrap();
                assert_eq!(refused.to_string(), Refused::StreamOpen.to_string());
                let rest = rows.try_fold(0, async |count, _| Ok(count + 1)).await?;
                assert_eq!(rest, 199);
                Ok::<_, sqlx::Error>(())
            };
            let waiting =
                async { tell.send(notes.add("refused").await.unwrap_err()).map_err(drop).unwrap() };
            let (streamed, ()) = tokio::join!(streaming, waiting);
            streamed
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_query_that_nobody_awaits_is_an_error_for_the_others_after_a_while() {
    let (clock, hand) = Clock::held();
    let settings = Settings { clock, turn_timeout: Duration::from_secs(3), ..Settings::default() };
    let db = database_with(settings, |_| {}).await;
    let notes = db.notes();
    db.sqlite
        .with_tx(async |_tx| {
            // Long enough that it cannot be over when it is polled for the first time.
            let slow =
                "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 200000)
                        INSERT INTO note (text) SELECT 'x' FROM (SELECT max(n) FROM c)";
            let forgotten = sqlx::query(slow).execute(&db.sqlite);
            let mut forgotten = std::pin::pin!(forgotten);
            assert!(poll!(&mut forgotten).is_pending());
            let driver = async {
                hand.sleepers(1).await;
                hand.advance(Duration::from_secs(3));
            };
            let (waited, ()) = tokio::join!(notes.add("y"), driver);
            assert_eq!(
                waited.unwrap_err().to_string(),
                Refused::Busy(Duration::from_secs(3)).to_string()
            );
            forgotten.await.map(drop)
        })
        .await
        .unwrap();
    assert_eq!(notes.all().await.unwrap(), ["x"]);
}

#[tokio::test]
async fn a_stream_that_outlives_its_transaction_ends_with_an_error() {
    let db = database().await;
    let notes = db.notes();
    many(&notes, 200).await;
    let mut escaped = None;
    let outcome = db
        .sqlite
        .with_tx(async |_tx| {
            sqlx::query("DELETE FROM note WHERE id > 100").execute(&db.sqlite).await?;
            let mut rows = sqlx::query("SELECT * FROM note").fetch(&db.sqlite);
            assert!(rows.try_next().await?.is_some());
            escaped = Some(rows);
            Ok::<_, sqlx::Error>(())
        })
        .await;
    assert_eq!(outcome.unwrap_err().to_string(), Refused::StreamOpen.to_string());
    let mut escaped = escaped.unwrap();
    let next = escaped.next().await.unwrap();
    assert_eq!(next.err().unwrap().to_string(), Refused::Ended.to_string());
    assert!(escaped.next().await.is_none());
    // The transaction is rolled back, and its connection serves the next one.
    notes.add("after").await.unwrap();
    assert_eq!(notes.all().await.unwrap().len(), 201);
}
